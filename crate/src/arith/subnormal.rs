//! Numbers too small for the processor's fast path, and what finds them.
//!
//! A float32 product, quotient or root with a subnormal operand or result takes some processors into microcode: about 150
//! cycles instead of 4 (Intel; on AMD a few more than usual). State ends there for good when gradients stop: v decays by ρ
//! until 0.9 · 4·2⁻¹⁴⁹ rounds back to 4·2⁻¹⁴⁹. Comparisons of bits, additions and conversions have no such path.
//!
//! - careful: computed by way of float64 (`number/careful.rs`); or, of a variable, looked through block by block.
//! - delicate: a block some product of which may be subnormal, so that it must be computed carefully.
//! - frozen: a delicate block whose gradients are all +0 and whose state decays to itself. Nothing is computed.
//! - turn: which of a variable's blocks are looked through in this call, although it was not careful in the one before.

use crate::arith::group::{Group, SIMD, flat};

/// Whether there is anything to take care of. The JavaScript form computes in float64 and rounds, so that it never meets a
/// subnormal operand; with care, state that is stuck takes it 1.25 times as long.
pub const CARE: bool = SIMD;

/// A bound on magnitudes, as an exponent: 2 to this power.
pub type Exponent = i32;

/// Exponent of the smallest normal number.
pub const SMALLEST: Exponent = f32::MIN_EXP - 1;

/// The exponent of a factor, if that makes products smaller; 0 if it is 1 or more, or zero, which makes them zero.
#[inline]
pub fn shrinks(factor: f32) -> Exponent {
    let biased = (factor.to_bits() >> 23 & 0xff).cast_signed();
    if factor == 0.0 { 0 } else { (biased - 127).min(0) }
}

/// Whether some element is not zero and below 2^`exponent`. Works on the bits: one minimum, in which zeros count as large.
#[inline(never)]
pub fn any_below(x: &[Group], exponent: Exponent) -> bool {
    // The bits without the sign, twice, less 1.
    let magnitude = |x: f32| (x.to_bits() << 1).wrapping_sub(1);
    let bound = (((exponent + 127).clamp(1, 254) as u32) << 24) - 1;
    let x = flat(x);
    x.iter().fold(u32::MAX, |smallest, &x| smallest.min(magnitude(x))) < bound
}
