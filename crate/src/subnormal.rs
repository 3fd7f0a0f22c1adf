//! Numbers too small for the processor's fast path, and products of them that do not leave it.
//!
//! A float32 product, quotient or root with a subnormal operand or result takes some processors into microcode: about 150
//! cycles instead of 4 (Intel; on AMD a few more than usual). State ends there for good when gradients stop: v decays by ρ
//! until 0.9 · 4·2⁻¹⁴⁹ rounds back to 4·2⁻¹⁴⁹. Comparisons of bits, additions and conversions have no such path, and a
//! product of two float32 numbers is exact in float64 and far from its limits: rounded to float32 it has the same bits.
//!
//! - careful: computed by way of float64; or, of a variable, looked through block by block.
//! - delicate: a block some product of which may be subnormal, so that it must be computed carefully.
//! - frozen: a delicate block whose gradients are all +0 and whose state decays to itself. Nothing is computed.
//! - turn: which of a variable's blocks are looked through in this call, although it was not careful in the one before.

use crate::lanes::{Group, SIMD, flat};
use core::hint::black_box;
use wide::{EXCHANGED, Halves, Wides, divide, multiply, narrow, root, splat, widen};

/// Whether there is anything to take care of. The JavaScript form computes in float64 and rounds, so that it never meets a
/// subnormal operand; with care, state that is stuck takes it 1.25 times as long.
pub const CARE: bool = SIMD;

/// Four numbers: what a SIMD register holds.
pub type Four = [f32; 4];

/// Calls `work` with the first element of each four in `0..len`, which is a multiple of four.
#[inline]
pub fn by_fours(len: usize, work: impl FnMut(usize)) {
    (0..len / 4).map(|i| 4 * i).for_each(work);
}

/// The four elements at `from`.
#[inline]
pub fn four(x: &[f32], from: usize) -> Four {
    x.get(from..).and_then(<[f32]>::first_chunk).copied().unwrap_or_default()
}

/// Writes the four elements at `from`.
#[inline]
pub fn put(x: &mut [f32], from: usize, lanes: Four) {
    if let Some(four) = x.get_mut(from..).and_then(<[f32]>::first_chunk_mut) {
        *four = lanes;
    }
}

/// One operation on lanes.
#[inline]
pub fn map(x: Four, y: Four, operation: impl Fn(f32, f32) -> f32) -> Four {
    core::array::from_fn(|i| operation(x[i], y[i]))
}

/// Products, quotients and roots by way of float64. Two facts are hidden from the compiler. If it knew that both factors were
/// widened from float32, it would multiply in float32. If it knew the shuffle, it would move it behind the conversion and
/// convert each lane separately.
#[derive(Clone, Copy, Debug)]
pub struct Careful {
    /// 1
    one: f64,
    halves: Halves,
}

impl Careful {
    /// For a block.
    #[inline]
    pub fn new() -> Self {
        Self { one: black_box(1.0), halves: black_box(EXCHANGED) }
    }

    #[inline]
    fn factor(self, factor: f32) -> Wides {
        splat(self.one * f64::from(factor))
    }

    /// `factor` times `x`.
    #[inline]
    pub fn times(self, factor: f32, x: Four) -> Four {
        narrow(multiply(self.factor(factor), widen(x, self.halves)), self.halves)
    }

    /// `x` divided by `divisor`. A quotient of 24-bit numbers is never so near to the middle between two float32 numbers,
    /// of full or less precision, that rounding it to 53 bits first would matter (S. Figueroa, *When is double rounding
    /// innocuous?*, 1995). Nor is a root.
    #[inline]
    pub fn quotient(self, x: Four, divisor: f32) -> Four {
        narrow(divide(widen(x, self.halves), self.factor(divisor)), self.halves)
    }

    /// The square of `x`.
    #[inline]
    pub fn square(self, x: Four) -> Four {
        let x = widen(x, self.halves);
        narrow(multiply(multiply(splat(self.one), x), x), self.halves)
    }

    /// `x` divided by the root of `d`: two operations, each rounded.
    #[inline]
    pub fn divided_by_root(self, x: Four, d: Four) -> Four {
        let (one, halves) = (splat(self.one), self.halves);
        let root = narrow(root(multiply(one, widen(d, halves))), halves);
        narrow(divide(multiply(one, widen(x, halves)), widen(root, halves)), halves)
    }
}

impl Default for Careful {
    fn default() -> Self {
        Self::new()
    }
}

/// Four float64 numbers, in SIMD. The compiler does not vectorize conversions from float64: they are written out.
#[cfg(target_feature = "simd128")]
mod wide {
    use super::Four;
    use core::arch::wasm32::{
        f32x4, f32x4_demote_f64x2_zero, f32x4_extract_lane, f64x2_div, f64x2_mul, f64x2_promote_low_f32x4, f64x2_splat,
        f64x2_sqrt, i8x16_swizzle, u8x16, v128, v128_or,
    };

    pub type Wides = [v128; 2];

    /// Where the bytes of a register come from when its halves are exchanged.
    pub type Halves = v128;
    pub const EXCHANGED: Halves = u8x16(8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7);

    #[inline]
    pub fn splat(x: f64) -> Wides {
        [f64x2_splat(x); 2]
    }

    #[inline]
    pub fn widen([a, b, c, d]: Four, halves: Halves) -> Wides {
        let x = f32x4(a, b, c, d);
        [f64x2_promote_low_f32x4(x), f64x2_promote_low_f32x4(i8x16_swizzle(x, halves))]
    }

    #[inline]
    pub fn narrow([low, high]: Wides, halves: Halves) -> Four {
        let x = v128_or(f32x4_demote_f64x2_zero(low), i8x16_swizzle(f32x4_demote_f64x2_zero(high), halves));
        [f32x4_extract_lane::<0>(x), f32x4_extract_lane::<1>(x), f32x4_extract_lane::<2>(x), f32x4_extract_lane::<3>(x)]
    }

    #[inline]
    pub fn multiply([a, b]: Wides, [c, d]: Wides) -> Wides {
        [f64x2_mul(a, c), f64x2_mul(b, d)]
    }

    #[inline]
    pub fn divide([a, b]: Wides, [c, d]: Wides) -> Wides {
        [f64x2_div(a, c), f64x2_div(b, d)]
    }

    #[inline]
    pub fn root([a, b]: Wides) -> Wides {
        [f64x2_sqrt(a), f64x2_sqrt(b)]
    }
}

/// Four float64 numbers.
#[cfg(not(target_feature = "simd128"))]
mod wide {
    use super::Four;

    pub type Wides = [f64; 4];

    /// Nothing to exchange.
    #[derive(Clone, Copy, Debug)]
    pub struct Halves;
    pub const EXCHANGED: Halves = Halves;

    #[inline]
    pub fn splat(x: f64) -> Wides {
        [x; 4]
    }

    #[inline]
    pub fn widen(x: Four, _: Halves) -> Wides {
        x.map(f64::from)
    }

    #[inline]
    pub fn narrow(x: Wides, _: Halves) -> Four {
        x.map(|x| x as f32)
    }

    #[inline]
    pub fn multiply(x: Wides, y: Wides) -> Wides {
        core::array::from_fn(|i| x[i] * y[i])
    }

    #[inline]
    pub fn divide(x: Wides, y: Wides) -> Wides {
        core::array::from_fn(|i| x[i] / y[i])
    }

    #[inline]
    pub fn root(x: Wides) -> Wides {
        x.map(libm::sqrt)
    }
}

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
