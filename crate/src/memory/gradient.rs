//! Gradients, also of 16 bits: what is computed in half precision need not be widened by its owner, nor kept twice.
//!
//! Values and state stay float32 (P. Micikevicius et al., *Mixed Precision Training*, 2018). A step widens a block at a
//! time, into room that stays in the first-level cache, so its bits are those of widening the whole gradient first.

use crate::arith::group::{Group, flat, groups};
use crate::arith::half::{Half, HalfGroup};
use crate::memory::buffer::{Buffer, OutOfMemory};
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
    #[inline]
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

/// Whether no element is infinite or `NaN`. Works on the exponent bits, without a branch per element.
fn all_finite(gradient: &[f32]) -> bool {
    const EXPONENT: u32 = 0x7f80_0000;
    gradient.iter().fold(true, |finite, g| finite & (g.to_bits() & EXPONENT != EXPONENT))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arith::group::WIDTH;
    use proptest::prelude::*;

    #[test]
    fn every_pattern_of_16_bits_is_finite_if_its_float32_is() {
        for half in [Half::Float16, Half::Bfloat16] {
            for bits in 0..=u16::MAX {
                // In the second block, and not at its beginning.
                let mut group = [0; WIDTH];
                group[WIDTH / 2] = bits;
                let expected = flat(half.widen_all(&[group], &mut [Group::ZERO]))[WIDTH / 2].is_finite();
                let finite = Elements::Half(half, &[[0; WIDTH], group]).all_finite(&mut [Group::ZERO]);
                assert_eq!(finite, expected, "{half:?} {bits:04x}");
            }
        }
    }

    proptest! {
        #[test]
        fn all_finite_is_what_it_says(bits in prop::collection::vec(any::<u32>(), 0..40)) {
            let floats: Vec<f32> = bits.into_iter().map(f32::from_bits).collect();
            prop_assert_eq!(all_finite(&floats), floats.iter().all(|g| g.is_finite()));
        }
    }
}
