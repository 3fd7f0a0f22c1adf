//! Gradients of 16 bits: what is computed in half precision need not be widened by its owner, nor kept twice.
//!
//! Values and state stay float32 (P. Micikevicius et al., *Mixed Precision Training*, 2018). A step widens a block at a
//! time, into room that stays in the first-level cache, so its bits are those of widening the whole gradient first. Both
//! types are subsets of float32: nothing is rounded.

use crate::arena::{Buffer, OutOfMemory};
use crate::lanes::{Group, WIDTH, flat, flat_mut, groups};
use crate::scale::all_finite;
use bytemuck::{cast_slice, cast_slice_mut, must_cast_slice};

/// The type of a variable's gradient; its place is its number at the boundary.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "bindings", derive(serde::Serialize, ts_rs::TS))]
#[cfg_attr(feature = "bindings", serde(rename_all = "lowercase"))]
pub enum GradientDtype {
    /// IEEE 754 binary32.
    #[default]
    Float32,
    /// IEEE 754 binary16: 5 bits of exponent, 10 of fraction.
    Float16,
    /// The upper half of a float32: 8 bits of exponent, 7 of fraction.
    Bfloat16,
}

impl GradientDtype {
    /// All types, in order of their numbers.
    pub const ALL: [Self; 3] = [Self::Float32, Self::Float16, Self::Bfloat16];

    /// Float32s that take the memory of `size` elements.
    fn floats(self, size: usize) -> usize {
        if self == Self::Float32 { size } else { size.div_ceil(2) }
    }
}

/// A group of elements of 16 bits.
pub type HalfGroup = [u16; WIDTH];

/// One of the 16-bit types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Half {
    /// IEEE 754 binary16.
    Float16,
    /// The upper half of a float32.
    Bfloat16,
}

impl Half {
    /// The float32 that these 16 bits are: the same number, infinity, or a `NaN`.
    #[inline]
    pub fn widen(self, bits: u16) -> f32 {
        match self {
            Self::Float16 => float16(bits),
            Self::Bfloat16 => bfloat16(bits),
        }
    }

    /// Widens an array into as much of `room` as it needs, and gives that.
    #[inline(never)]
    pub fn widen_all<'a>(self, halves: &[HalfGroup], room: &'a mut [Group]) -> &'a [Group] {
        let room = &mut room[..halves.len()];
        match self {
            Self::Float16 => widen_each(room, halves, float16),
            Self::Bfloat16 => widen_each(room, halves, bfloat16),
        }
        room
    }
}

#[inline]
fn widen_each(room: &mut [Group], halves: &[HalfGroup], widen: impl Fn(u16) -> f32) {
    let len = halves.len() * WIDTH;
    for (x, bits) in flat_mut(room)[..len].iter_mut().zip(&halves.as_flattened()[..len]) {
        *x = widen(*bits);
    }
}

fn bfloat16(bits: u16) -> f32 {
    f32::from_bits(u32::from(bits) << 16)
}

/// Without a branch, so that the loop becomes `f32x4` code, and without arithmetic on subnormal numbers, which is slow: of
/// gradients in float16, many are.
fn float16(bits: u16) -> f32 {
    /// What float32 adds to an exponent more than float16 does, 127 - 15, in its place.
    const REBIAS: u32 = 112 << 23;
    /// 2⁻¹⁴, the smallest normal number.
    const NORMAL: f32 = 1.0 / 16384.0;
    /// 2¹⁶, the first power beyond the range: there are infinities and `NaN`.
    const BEYOND: f32 = 65536.0;
    // The sign is in its place, and 15 times next to it.
    let bits = i32::from(bits.cast_signed()).cast_unsigned();
    // Fraction and exponent in their places: right but for exponents of 0, which have no leading one, and 31.
    let x = f32::from_bits(((bits & 0x7fff) << 13) + REBIAS);
    // With an exponent of 0, x = 2⁻¹⁵ (1 + f) should be 2⁻¹⁴ f = x + (x - 2⁻¹⁴). Both operations are exact.
    let excess = x - NORMAL;
    let finite = x + if excess < 0.0 { excess } else { 0.0 };
    let special = if finite >= BEYOND { f32::INFINITY.to_bits() } else { 0 };
    f32::from_bits(finite.to_bits() | special | bits & 0x8000_0000)
}

/// The gradient of a variable, in its type.
#[derive(Debug)]
pub(crate) struct Gradient {
    pub dtype: GradientDtype,
    /// The elements, or two of them in the memory of a float32.
    pub buffer: Buffer,
    size: usize,
}

/// The elements of a gradient, in its type.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Elements<'a> {
    Float32(&'a [Group]),
    Half(Half, &'a [HalfGroup]),
}

impl Gradient {
    pub fn zeroed(size: usize, dtype: GradientDtype) -> Result<Self, OutOfMemory> {
        Ok(Self { dtype, buffer: Buffer::zeroed(dtype.floats(size))?, size })
    }

    /// Bytes of memory that a gradient takes; `None` if that is more than can be addressed.
    pub fn bytes(size: usize, dtype: GradientDtype) -> Option<usize> {
        Buffer::bytes(dtype.floats(size))
    }

    #[inline]
    pub fn elements(&self) -> Elements<'_> {
        match self.dtype {
            GradientDtype::Float32 => Elements::Float32(self.buffer.groups()),
            GradientDtype::Float16 => Elements::Half(Half::Float16, self.half_groups()),
            GradientDtype::Bfloat16 => Elements::Half(Half::Bfloat16, self.half_groups()),
        }
    }

    fn half_groups(&self) -> &[HalfGroup] {
        &must_cast_slice(self.buffer.groups())[..groups(self.size)]
    }

    /// The elements of 16 bits; none, if they are float32.
    pub fn halves(&self) -> &[u16] {
        let size = if self.dtype == GradientDtype::Float32 { 0 } else { self.size };
        &cast_slice(self.buffer.as_slice())[..size]
    }

    /// The 16-bit type, if it is one.
    #[cfg(any(feature = "threads", test))]
    pub fn half(&self) -> Option<Half> {
        if let Elements::Half(half, _) = self.elements() { Some(half) } else { None }
    }

    /// The elements of 16 bits; none, if they are float32.
    pub fn halves_mut(&mut self) -> &mut [u16] {
        let size = if self.dtype == GradientDtype::Float32 { 0 } else { self.size };
        &mut cast_slice_mut(self.buffer.as_mut_slice())[..size]
    }
}

impl<'a> Elements<'a> {
    /// Groups `from..to` in float32: the array's own, or widened ones in `room`.
    #[expect(clippy::inline_always, reason = "a call per tensor or block: see `Preparation::block`")]
    #[inline(always)]
    pub fn block(self, from: usize, to: usize, room: &'a mut [Group]) -> &'a [Group] {
        match self {
            Self::Float32(elements) => &elements[from..to],
            Self::Half(half, elements) => half.widen_all(&elements[from..to], room),
        }
    }

    /// Calls `work` with the place and the float32 groups of one block after the other: of all, if they are float32 already,
    /// or else of as many as `room` has room for.
    #[inline(never)]
    pub fn for_each_block(self, room: &mut [Group], work: &mut dyn FnMut(usize, &[Group])) {
        match self {
            Self::Float32(elements) => work(0, elements),
            Self::Half(half, elements) => {
                for (i, block) in elements.chunks(room.len()).enumerate() {
                    work(i * room.len(), half.widen_all(block, room));
                }
            }
        }
    }

    /// Whether no element is infinite or `NaN`.
    pub fn all_finite(self, room: &mut [Group]) -> bool {
        let mut finite = true;
        self.for_each_block(room, &mut |_, block| finite &= all_finite(flat(block)));
        finite
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let mut room = vec![Group::ZERO; groups(halves.len())];
        for (half, exponent_bits) in [(Half::Float16, 5), (Half::Bfloat16, 8)] {
            let widened = half.widen_all(halves.as_chunks().0, &mut room);
            for (&bits, &x) in halves.iter().zip(flat(widened)) {
                let expected = defined(bits, exponent_bits);
                assert_eq!(x.to_bits(), half.widen(bits).to_bits());
                assert_eq!(x.is_sign_negative(), bits >> 15 == 1, "{half:?} {bits:04x}");
                assert!(f64::from(x) == expected || x.is_nan() && expected.is_nan(), "{half:?} {bits:04x}: {x}");
                let mut group = [0; WIDTH];
                group[1] = bits;
                let finite = Elements::Half(half, &[[0; WIDTH], group]).all_finite(&mut [Group::ZERO]);
                assert_eq!(finite, expected.is_finite(), "{half:?} {bits:04x}");
            }
        }
    }
}
