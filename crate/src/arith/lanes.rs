//! What the formulas are written for: one float32 number, or four that are computed carefully. So each formula is in the
//! crate once, and its two loops cannot differ.

pub use super::f32_via_f64::{Careful, SAFE_EXPONENT};
use crate::platform::sqrt;
use core::ops::{Add, Div, Mul, Sub};

/// A number of the formulas. Each operation is one of float32, rounded to nearest, on each of its elements.
pub trait Number:
    Copy
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Add<f32, Output = Self>
    + Mul<f32, Output = Self>
    + Div<f32, Output = Self>
{
    /// How many elements of an array it is.
    const ELEMENTS: usize;

    /// What it takes to compute besides the numbers.
    type Way: Copy;

    /// That, for a loop.
    fn way() -> Self::Way;

    /// The elements at `place`.
    fn read(x: &[f32], place: usize, way: Self::Way) -> Self;

    /// Writes the elements at `place`.
    fn write(self, x: &mut [f32], place: usize);

    /// `operation` on each element.
    fn each(self, operation: impl Fn(f32) -> f32) -> Self;

    /// `operation` on each element and the other's.
    fn zip(self, other: Self, operation: impl Fn(f32, f32) -> f32) -> Self;

    /// The square root.
    fn sqrt(self) -> Self;

    /// `self / √d`: two operations.
    #[inline]
    fn over_root(self, d: Self) -> Self {
        self / d.sqrt()
    }
}

/// The places of numbers in an array of `len` elements, which is a multiple of them.
#[inline]
pub fn places<N: Number>(len: usize) -> impl Iterator<Item = usize> {
    (0..len / N::ELEMENTS).map(|i| i * N::ELEMENTS)
}

impl Number for f32 {
    const ELEMENTS: usize = 1;

    type Way = ();

    #[inline]
    fn way() {}

    #[expect(
        clippy::inline_always,
        reason = "or the compiler forgets that arrays do not overlap: 1.15 times 1,000 tensors of 8"
    )]
    #[inline(always)]
    fn read(x: &[f32], place: usize, (): ()) -> Self {
        x[place]
    }

    #[expect(clippy::inline_always, reason = "as `read`")]
    #[inline(always)]
    fn write(self, x: &mut [f32], place: usize) {
        x[place] = self;
    }

    #[inline]
    fn each(self, operation: impl Fn(f32) -> f32) -> Self {
        operation(self)
    }

    #[inline]
    fn zip(self, other: Self, operation: impl Fn(f32, f32) -> f32) -> Self {
        operation(self, other)
    }

    #[inline]
    fn sqrt(self) -> Self {
        sqrt(self)
    }
}
