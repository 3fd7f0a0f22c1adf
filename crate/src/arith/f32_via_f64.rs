//! Four float32 numbers that are never slow: products, quotients and roots go by way of float64, where nothing is subnormal.
//!
//! A product of two float32 numbers is exact in float64 and far from its limits: rounded to float32 it has the same bits.
//! A quotient of 24-bit numbers is never so near to the middle between two float32 numbers, of full or less precision, that
//! rounding it to 53 bits first would matter (S. Figueroa, *When is double rounding innocuous?*, 1995). Nor is a root.

use super::lanes::Number;
use crate::platform::sqrt;
use core::hint::black_box;
use core::ops::{Add, Div, Mul, Sub};
use wide::{EXCHANGED, Halves, Wides, divide, multiply, narrow, root, splat, widen};

/// What a SIMD register holds.
type Four = [f32; 4];

/// The numbers, and what it takes to compute.
#[derive(Clone, Copy, Debug)]
pub struct Careful {
    lanes: Four,
    way: Way,
}

/// Two facts that are hidden from the compiler. If it knew that both factors were widened from float32, it would multiply in
/// float32. If it knew the shuffle, it would move it behind the conversion and convert each lane separately.
#[derive(Clone, Copy, Debug)]
pub struct Way {
    /// 1
    one: f64,
    halves: Halves,
}

impl Way {
    #[inline]
    fn factor(self, factor: f32) -> Wides {
        splat(self.one * f64::from(factor))
    }
}

impl Careful {
    #[inline]
    fn wide(self) -> Wides {
        widen(self.lanes, self.way.halves)
    }

    /// As a factor or dividend.
    #[inline]
    fn hidden(self) -> Wides {
        multiply(splat(self.way.one), self.wide())
    }

    #[inline]
    fn narrowed(self, x: Wides) -> Self {
        Self { lanes: narrow(x, self.way.halves), ..self }
    }

    #[inline]
    fn all(self, holds: impl Fn(f32) -> bool) -> bool {
        self.lanes.into_iter().fold(true, |all, x| all & holds(x))
    }
}

impl Mul<f32> for Careful {
    type Output = Self;

    #[inline]
    fn mul(self, factor: f32) -> Self {
        self.narrowed(multiply(self.way.factor(factor), self.wide()))
    }
}

impl Mul for Careful {
    type Output = Self;

    #[inline]
    fn mul(self, other: Self) -> Self {
        self.narrowed(multiply(self.hidden(), other.wide()))
    }
}

impl Div<f32> for Careful {
    type Output = Self;

    #[inline]
    fn div(self, divisor: f32) -> Self {
        self.narrowed(divide(self.wide(), self.way.factor(divisor)))
    }
}

impl Div for Careful {
    type Output = Self;

    #[inline]
    fn div(self, divisor: Self) -> Self {
        self.narrowed(divide(self.hidden(), divisor.wide()))
    }
}

impl Add for Careful {
    type Output = Self;

    #[inline]
    fn add(self, other: Self) -> Self {
        self.zip(other, |x, y| x + y)
    }
}

impl Add<f32> for Careful {
    type Output = Self;

    #[inline]
    fn add(self, other: f32) -> Self {
        self.each(|x| x + other)
    }
}

impl Sub for Careful {
    type Output = Self;

    #[inline]
    fn sub(self, other: Self) -> Self {
        self.zip(other, |x, y| x - y)
    }
}

impl Number for Careful {
    const ELEMENTS: usize = 4;

    type Way = Way;

    #[inline]
    fn way() -> Way {
        Way { one: black_box(1.0), halves: black_box(EXCHANGED) }
    }

    #[inline]
    fn read(x: &[f32], place: usize, way: Way) -> Self {
        let lanes = x.get(place..).and_then(<[f32]>::first_chunk).copied().unwrap_or_default();
        Self { lanes, way }
    }

    #[inline]
    fn write(self, x: &mut [f32], place: usize) {
        if let Some(four) = x.get_mut(place..).and_then(<[f32]>::first_chunk_mut) {
            *four = self.lanes;
        }
    }

    #[inline]
    fn each(self, operation: impl Fn(f32) -> f32) -> Self {
        Self { lanes: self.lanes.map(operation), ..self }
    }

    #[inline]
    fn zip(self, other: Self, operation: impl Fn(f32, f32) -> f32) -> Self {
        Self { lanes: core::array::from_fn(|i| operation(self.lanes[i], other.lanes[i])), ..self }
    }

    #[inline]
    fn sqrt(self) -> Self {
        self.narrowed(root(self.hidden()))
    }

    /// The plain way if all that it meets is normal: also the quotient, by all roots up to 2²⁶.
    #[inline]
    fn over_root(self, d: Self) -> Self {
        if d.all(|d| d >= f32::MIN_POSITIVE) && self.all(|x| x == 0.0 || x.abs() >= SAFE) {
            self.zip(d, |x, d| x / sqrt(d))
        } else {
            self / d.sqrt()
        }
    }
}

/// Numbers from 2 to this power on have normal quotients by all roots up to 2²⁶.
pub const SAFE_EXPONENT: i32 = f32::MIN_EXP - 1 + 26;
const SAFE: f32 = f32::from_bits(((SAFE_EXPONENT + 127) as u32) << 23);

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
