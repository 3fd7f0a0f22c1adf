//! Numbers for property tests, and how they are compared.

use proptest::prelude::*;

/// Plain ones; any bit pattern: subnormals, infinities, NaN; all magnitudes, and zeros; the smallest.
pub fn any_float() -> impl Strategy<Value = f32> {
    let smallest = (0u32..64).prop_map(f32::from_bits);
    prop_oneof![-2.0f32..2.0, any::<u32>().prop_map(f32::from_bits), graded_float(), smallest]
}

/// Bits to compare: which `NaN` it is does not matter.
pub fn bits(x: f32) -> u32 {
    if x.is_nan() { 0x7fc0_0000 } else { x.to_bits() }
}

/// Magnitudes from the smallest to about 1, zeros of both signs.
pub fn graded_float() -> impl Strategy<Value = f32> {
    let power = (-149i32..2, any::<bool>(), 1.0f64..2.0)
        .prop_map(|(e, negative, x)| (x * 2f64.powi(e)) as f32 * if negative { -1.0 } else { 1.0 });
    prop_oneof![8 => power, 1 => Just(0.0f32), 1 => Just(-0.0f32)]
}
