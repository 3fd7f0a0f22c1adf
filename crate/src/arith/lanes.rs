//! What formulas compute with: one float32, or four that go by way of float64. Each formula is in the crate once, so its
//! two loops cannot differ.

use crate::arith::decay::Decay;
use crate::arith::divisor::Reciprocal;
use crate::platform::sqrt;
use core::ops::{Add, Div, Mul, Sub};

/// One or more float32 numbers. Each operation is that of float32, rounded to nearest, on each of them.
pub trait Lanes:
    Copy
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Add<f32, Output = Self>
    + Mul<f32, Output = Self>
    + Mul<Decay, Output = Self>
    + Div<f32, Output = Self>
    + Div<Reciprocal, Output = Self>
{
    /// How many numbers.
    const LANES: usize;

    /// The constants that a loop hides from the compiler's optimizer.
    type Hidden: Copy;

    /// These constants, once per loop.
    fn hide() -> Self::Hidden;

    /// The elements from `index` on.
    fn read(x: &[f32], index: usize, hidden: Self::Hidden) -> Self;

    /// Writes the elements from `index` on.
    fn write(self, x: &mut [f32], index: usize);

    /// `operation` on each lane.
    fn map_lanes(self, operation: impl Fn(f32) -> f32) -> Self;

    /// `operation` on each lane and the same one of `other`.
    fn zip_lanes(self, other: Self, operation: impl Fn(f32, f32) -> f32) -> Self;

    /// √x
    fn sqrt(self) -> Self;

    /// x²
    #[inline]
    fn square(self) -> Self {
        self * self
    }

    /// `self / √d`: two operations.
    #[inline]
    fn div_sqrt(self, d: Self) -> Self {
        self / d.sqrt()
    }
}

/// Where lanes begin in an array of `len` elements, a multiple of their number.
#[inline]
pub fn indices<L: Lanes>(len: usize) -> impl Iterator<Item = usize> {
    (0..len / L::LANES).map(|i| i * L::LANES)
}

impl Lanes for f32 {
    const LANES: usize = 1;

    type Hidden = ();

    #[inline]
    fn hide() {}

    #[expect(
        clippy::inline_always,
        reason = "as a call the compiler forgets that arrays do not overlap: 1.15 times slower on 1,000 tensors of 8"
    )]
    #[inline(always)]
    fn read(x: &[f32], index: usize, (): ()) -> Self {
        x[index]
    }

    #[expect(clippy::inline_always, reason = "as `read`")]
    #[inline(always)]
    fn write(self, x: &mut [f32], index: usize) {
        x[index] = self;
    }

    #[inline]
    fn map_lanes(self, operation: impl Fn(f32) -> f32) -> Self {
        operation(self)
    }

    #[inline]
    fn zip_lanes(self, other: Self, operation: impl Fn(f32, f32) -> f32) -> Self {
        operation(self, other)
    }

    #[inline]
    fn sqrt(self) -> Self {
        sqrt(self)
    }
}
