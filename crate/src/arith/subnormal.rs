//! Subnormal numbers: what they cost, and how to scan for them.
//!
//! A float32 product, quotient or root with a subnormal operand or result takes some processors into microcode: about 150
//! cycles instead of 4 (Intel; on AMD a few more than usual). State ends there for good when gradients stop: v decays by ρ
//! until 0.9 · 4·2⁻¹⁴⁹ rounds back to 4·2⁻¹⁴⁹. Comparisons of bits, additions and conversions stay fast.

use crate::arith::group::{Group, SIMD, flat};

/// Whether steps scan for subnormal numbers. The JavaScript backend computes in float64 and rounds, so it never meets one as an
/// operand; with scans, its steps on state that is stuck are 1.25× slower.
pub const SCANS: bool = SIMD;

/// A bound on magnitudes, as a power of 2.
pub type Exponent = i32;

/// Exponent of the smallest normal number.
pub const MIN_NORMAL: Exponent = f32::MIN_EXP - 1;

/// How much smaller `factor` makes a product, as an exponent; 0 if it is 1 or more, or zero, which makes products zero.
#[inline]
pub fn exponent_loss(factor: f32) -> Exponent {
    let biased = (factor.to_bits() >> 23 & 0xff).cast_signed();
    if factor == 0.0 { 0 } else { (biased - 127).min(0) }
}

/// Whether some element is not zero and below 2^`exponent`.
#[inline]
pub fn any_below(x: &[Group], exponent: Exponent) -> bool {
    any_between(x, 1, exponent)
}

/// Whether some element's magnitude has at least the bits `from` and is below 2^`exponent`. Computed as one minimum, in which
/// smaller magnitudes, such as zeros, count as large.
#[inline(never)]
pub fn any_between(x: &[Group], from: u32, exponent: Exponent) -> bool {
    // Shifting drops the sign; subtracting wraps smaller ones around to the largest magnitudes.
    let magnitude = |x: f32| (x.to_bits() << 1).wrapping_sub(from << 1);
    let bound = (((exponent + 127).clamp(1, 254) as u32) << 24) - (from << 1);
    let x = flat(x);
    x.iter().fold(u32::MAX, |smallest, &x| smallest.min(magnitude(x))) < bound
}

/// Which small numbers an array has, or all arrays of a variable.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum SmallNumbers {
    /// None that slows a step down.
    #[default]
    None,
    /// State that is stuck: units whose gradients have stopped.
    Stuck,
    /// Others.
    Any,
}

#[cfg(any(test, feature = "threads"))]
impl SmallNumbers {
    /// The variant with this number.
    pub fn from_number(number: u8) -> Self {
        [Self::None, Self::Stuck, Self::Any][usize::from(number.min(2))]
    }
}
