//! Four float32 numbers whose products, quotients and roots go by way of float64, where none is subnormal.
//!
//! A product of two float32 numbers is exact in float64 and far from its limits: rounded to float32 it has the same bits.
//! Quotients and roots of 24-bit numbers, rounded to 53 bits first, also have the same float32 bits
//! (S. Figueroa, *When is double rounding innocuous?*, 1995).

use super::decay::Decay;
use super::divisor::Reciprocal;
use super::lanes::Lanes;
use crate::platform::sqrt;
use core::hint::black_box;
use core::ops::{Add, Div, Mul, Sub};
use wide::{EXCHANGE, Exchange, Wides, divide, multiply, narrow, root, splat, widen};

/// What a SIMD register holds.
type Four = [f32; 4];

/// Four float32 numbers, and the constants that are hidden from the compiler.
#[derive(Clone, Copy, Debug)]
pub struct F32ViaF64 {
    lanes: Four,
    hidden: Hidden,
}

/// Two constants that the compiler must not know. Knowing that both factors were widened from float32, it would multiply in
/// float32; knowing the shuffle, it would move it behind the conversion and convert each lane separately.
#[derive(Clone, Copy, Debug)]
pub struct Hidden {
    /// 1
    one: f64,
    /// The exchange of a register's halves.
    exchange: Exchange,
}

impl Hidden {
    #[inline]
    fn scalar(self, x: f32) -> Wides {
        splat(self.one * f64::from(x))
    }
}

impl F32ViaF64 {
    #[inline]
    fn widened(self) -> Wides {
        widen(self.lanes, self.hidden.exchange)
    }

    /// As a factor or dividend: the compiler cannot see that it was a float32.
    #[inline]
    fn opaque(self) -> Wides {
        multiply(splat(self.hidden.one), self.widened())
    }

    #[inline]
    fn narrowed(self, x: Wides) -> Self {
        Self { lanes: narrow(x, self.hidden.exchange), ..self }
    }

    #[inline]
    fn all_lanes(self, holds: impl Fn(f32) -> bool) -> bool {
        self.lanes.into_iter().fold(true, |all, x| all & holds(x))
    }
}

impl Mul<f32> for F32ViaF64 {
    type Output = Self;

    #[inline]
    fn mul(self, factor: f32) -> Self {
        self.narrowed(multiply(self.hidden.scalar(factor), self.widened()))
    }
}

impl Mul<Decay> for F32ViaF64 {
    type Output = Self;

    #[inline]
    fn mul(self, decay: Decay) -> Self {
        self * decay.factor
    }
}

impl Mul for F32ViaF64 {
    type Output = Self;

    #[inline]
    fn mul(self, other: Self) -> Self {
        self.narrowed(multiply(self.opaque(), other.widened()))
    }
}

impl Div<f32> for F32ViaF64 {
    type Output = Self;

    #[inline]
    fn div(self, divisor: f32) -> Self {
        self.narrowed(divide(self.widened(), self.hidden.scalar(divisor)))
    }
}

impl Div for F32ViaF64 {
    type Output = Self;

    #[inline]
    fn div(self, divisor: Self) -> Self {
        self.narrowed(divide(self.opaque(), divisor.widened()))
    }
}

impl Div<Reciprocal> for F32ViaF64 {
    type Output = Self;

    #[expect(clippy::suspicious_arithmetic_impl, reason = "dividing by 1/r is multiplying by r")]
    #[inline]
    fn div(self, Reciprocal(reciprocal): Reciprocal) -> Self {
        self * reciprocal
    }
}

impl Add for F32ViaF64 {
    type Output = Self;

    #[inline]
    fn add(self, other: Self) -> Self {
        self.zip_lanes(other, |x, y| x + y)
    }
}

impl Add<f32> for F32ViaF64 {
    type Output = Self;

    #[inline]
    fn add(self, other: f32) -> Self {
        self.map_lanes(|x| x + other)
    }
}

impl Sub for F32ViaF64 {
    type Output = Self;

    #[inline]
    fn sub(self, other: Self) -> Self {
        self.zip_lanes(other, |x, y| x - y)
    }
}

impl Lanes for F32ViaF64 {
    const LANES: usize = 4;

    type Hidden = Hidden;

    #[inline]
    fn hide() -> Hidden {
        Hidden { one: black_box(1.0), exchange: black_box(EXCHANGE) }
    }

    #[inline]
    fn read(x: &[f32], index: usize, hidden: Hidden) -> Self {
        let lanes = x.get(index..).and_then(<[f32]>::first_chunk).copied().unwrap_or_default();
        Self { lanes, hidden }
    }

    #[inline]
    fn write(self, x: &mut [f32], index: usize) {
        if let Some(four) = x.get_mut(index..).and_then(<[f32]>::first_chunk_mut) {
            *four = self.lanes;
        }
    }

    #[inline]
    fn map_lanes(self, operation: impl Fn(f32) -> f32) -> Self {
        Self { lanes: self.lanes.map(operation), ..self }
    }

    #[inline]
    fn zip_lanes(self, other: Self, operation: impl Fn(f32, f32) -> f32) -> Self {
        Self { lanes: core::array::from_fn(|i| operation(self.lanes[i], other.lanes[i])), ..self }
    }

    #[inline]
    fn sqrt(self) -> Self {
        self.narrowed(root(self.opaque()))
    }

    /// In float32 where operands and quotient are normal: numbers from [`SAFE`] on, by all roots up to 2²⁶.
    #[inline]
    fn div_sqrt(self, d: Self) -> Self {
        if d.all_lanes(|d| d >= f32::MIN_POSITIVE) && self.all_lanes(|x| x == 0.0 || x.abs() >= SAFE) {
            self.zip_lanes(d, |x, d| x / sqrt(d))
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
    pub type Exchange = v128;
    pub const EXCHANGE: Exchange = u8x16(8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7);

    #[inline]
    pub fn splat(x: f64) -> Wides {
        [f64x2_splat(x); 2]
    }

    #[inline]
    pub fn widen([a, b, c, d]: Four, exchange: Exchange) -> Wides {
        let x = f32x4(a, b, c, d);
        [f64x2_promote_low_f32x4(x), f64x2_promote_low_f32x4(i8x16_swizzle(x, exchange))]
    }

    #[inline]
    pub fn narrow([low, high]: Wides, exchange: Exchange) -> Four {
        let x = v128_or(f32x4_demote_f64x2_zero(low), i8x16_swizzle(f32x4_demote_f64x2_zero(high), exchange));
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

    /// There is no register whose halves to exchange.
    #[derive(Clone, Copy, Debug)]
    pub struct Exchange;
    pub const EXCHANGE: Exchange = Exchange;

    #[inline]
    pub fn splat(x: f64) -> Wides {
        [x; 4]
    }

    #[inline]
    pub fn widen(x: Four, _: Exchange) -> Wides {
        x.map(f64::from)
    }

    #[inline]
    pub fn narrow(x: Wides, _: Exchange) -> Four {
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
