//! Numbers of 16 bits as IEEE 754 defines them, and some of them for a test.

use rmsprop::GradientDtype;

/// The number with these bits, `exponent_bits` of them the exponent. Exact in float64, and in float32.
fn number(bits: u16, exponent_bits: u32) -> f32 {
    let fraction_bits = 15 - exponent_bits;
    let sign = if bits >> 15 == 1 { -1.0 } else { 1.0 };
    let largest = (1 << exponent_bits) - 1;
    let bias = (largest - 1) / 2;
    let exponent = i32::from(bits >> fraction_bits) & largest;
    let fraction = f64::from(bits & ((1 << fraction_bits) - 1)) / f64::from(1_u32 << fraction_bits);
    let number = match exponent {
        0 => sign * fraction * 2.0_f64.powi(1 - bias),
        exponent if exponent < largest => sign * (1.0 + fraction) * 2.0_f64.powi(exponent - bias),
        _ if fraction == 0.0 => sign * f64::INFINITY,
        _ => f64::NAN,
    };
    number as f32
}

/// What a gradient of this type is in float32.
pub fn widened(dtype: GradientDtype, bits: &[u16]) -> Vec<f32> {
    let exponent_bits = if dtype == GradientDtype::Float16 { 5 } else { 8 };
    bits.iter().map(|&bits| number(bits, exponent_bits)).collect()
}

/// 16 bits for a float32: of the same class (0, subnormal, normal, infinite, `NaN`), not always of the same size.
pub fn narrowed(dtype: GradientDtype, x: f32) -> u16 {
    let upper = (x.to_bits() >> 16) as u16;
    if dtype == GradientDtype::Bfloat16 {
        return upper;
    }
    let (sign, exponent, fraction) = (upper & 0x8000, x.to_bits() >> 23 & 0xff, (x.to_bits() >> 13 & 0x3ff) as u16);
    let exponent = match exponent {
        0 => 0,
        255 => 31,
        // The 30 around 1 are those of float16.
        exponent => (exponent + 8) % 30 + 1,
    };
    sign | (exponent as u16) << 10 | fraction
}
