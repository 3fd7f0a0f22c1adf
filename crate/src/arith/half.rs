//! Numbers of 16 bits as float32s. Both types are subsets of it: nothing is rounded.

use crate::arith::group::{Group, WIDTH, flat_mut};

/// A group of elements of 16 bits.
pub type HalfGroup = [u16; WIDTH];

/// Widens float16 into as much of `out` as it needs, and returns that.
#[inline(never)]
pub fn widen_float16<'a>(halves: &[HalfGroup], out: &'a mut [Group]) -> &'a [Group] {
    widen_halves(halves, out, float16)
}

/// Widens bfloat16 into as much of `out` as it needs, and returns that.
#[inline(never)]
pub fn widen_bfloat16<'a>(halves: &[HalfGroup], out: &'a mut [Group]) -> &'a [Group] {
    widen_halves(halves, out, bfloat16)
}

#[inline]
fn widen_halves<'a>(halves: &[HalfGroup], out: &'a mut [Group], widened: impl Fn(u16) -> f32) -> &'a [Group] {
    let out = &mut out[..halves.len()];
    for (x, bits) in flat_mut(out).iter_mut().zip(halves.as_flattened()) {
        *x = widened(*bits);
    }
    out
}

/// The upper half of a float32.
fn bfloat16(bits: u16) -> f32 {
    f32::from_bits(u32::from(bits) << 16)
}

/// IEEE 754 binary16. Without a branch, so that the loop becomes `f32x4` code, and without arithmetic on subnormal numbers,
/// which is slow: many gradients in float16 are subnormal.
fn float16(bits: u16) -> f32 {
    /// How much larger exponents are in float32, 127 - 15, in its bits.
    const REBIAS: u32 = 112 << 23;
    /// 2⁻¹⁴, the smallest normal float16.
    const NORMAL: f32 = 1.0 / 16384.0;
    /// 2¹⁶, the first power beyond the range: infinities and `NaN`.
    const BEYOND: f32 = 65536.0;
    // Sign-extended from 16 to 32 bits: bit 31 is the sign. The mask below drops its copies.
    let bits = i32::from(bits.cast_signed()).cast_unsigned();
    // Fraction and exponent shifted to where float32 has them: right but for exponents of 0, which have no leading one, and 31.
    let x = f32::from_bits(((bits & 0x7fff) << 13) + REBIAS);
    // With an exponent of 0, x = 2⁻¹⁵ (1 + f) should be 2⁻¹⁴ f = x + (x - 2⁻¹⁴). Both operations are exact.
    let excess = x - NORMAL;
    let finite = x + if excess < 0.0 { excess } else { 0.0 };
    let special = if finite >= BEYOND { f32::INFINITY.to_bits() } else { 0 };
    f32::from_bits(finite.to_bits() | special | bits & 0x8000_0000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arith::group::{flat, group_count};

    type Widen = for<'a> fn(&[HalfGroup], &'a mut [Group]) -> &'a [Group];

    /// The number by its definition, IEEE 754-2019, 3.4: exact in float64.
    fn defined(bits: u16, exponent_bits: u32) -> f64 {
        let fraction_bits = 15 - exponent_bits;
        let sign = if bits >> 15 == 1 { -1.0 } else { 1.0 };
        let largest = (1 << exponent_bits) - 1;
        let bias = (largest - 1) / 2;
        let exponent = i32::from(bits >> fraction_bits) & largest;
        let fraction = f64::from(bits & ((1 << fraction_bits) - 1)) / f64::from(1_u32 << fraction_bits);
        match exponent {
            0 => sign * fraction * 2.0_f64.powi(1 - bias),
            exponent if exponent < largest => sign * (1.0 + fraction) * 2.0_f64.powi(exponent - bias),
            _ if fraction == 0.0 => sign * f64::INFINITY,
            _ => f64::NAN,
        }
    }

    #[test]
    fn every_pattern_is_the_number_that_it_is_defined_to_be() {
        let halves: Vec<u16> = (0..=u16::MAX).collect();
        let mut out = vec![Group::ZERO; group_count(halves.len())];
        for (widen, exponent_bits) in [(widen_float16 as Widen, 5), (widen_bfloat16, 8)] {
            let widened = widen(halves.as_chunks().0, &mut out);
            for (&bits, &x) in halves.iter().zip(flat(widened)) {
                let expected = defined(bits, exponent_bits);
                assert_eq!(x.is_sign_negative(), bits >> 15 == 1, "{exponent_bits} {bits:04x}");
                assert!(f64::from(x) == expected || x.is_nan() && expected.is_nan(), "{exponent_bits} {bits:04x}: {x}");
            }
        }
    }
}
