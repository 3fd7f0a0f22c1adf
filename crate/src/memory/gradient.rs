//! Gradients, also of 16 bits: what is computed in half precision need not be widened by its owner, nor kept twice.
//!
//! Values and state stay float32 (P. Micikevicius et al., *Mixed Precision Training*, 2018). A step widens a block at a
//! time, into memory that stays in the first-level cache, so its bits are those of widening the whole gradient first.

use crate::arith::group::{Group, flat, group_count};
use crate::arith::half::{HalfGroup, widen_bfloat16, widen_float16};
use crate::memory::buffer::{Buffer, OutOfMemory};
use bytemuck::{cast_slice, cast_slice_mut, must_cast_slice};

/// The type of a variable's gradient, by its number at the boundary.
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

/// The elements of a gradient, or a range of them, in groups.
#[derive(Clone, Copy, Debug)]
pub(crate) enum GradientView<'a> {
    Float32(&'a [Group]),
    Float16(&'a [HalfGroup]),
    Bfloat16(&'a [HalfGroup]),
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
    pub fn view(&self) -> GradientView<'_> {
        match self.dtype {
            GradientDtype::Float32 => GradientView::Float32(self.buffer.groups()),
            GradientDtype::Float16 => GradientView::Float16(self.half_groups()),
            GradientDtype::Bfloat16 => GradientView::Bfloat16(self.half_groups()),
        }
    }

    fn half_groups(&self) -> &[HalfGroup] {
        &must_cast_slice(self.buffer.groups())[..group_count(self.size)]
    }

    /// The elements of 16 bits; none, if they are float32.
    pub fn halves(&self) -> &[u16] {
        let size = if self.dtype == GradientDtype::Float32 { 0 } else { self.size };
        &cast_slice(self.buffer.as_slice())[..size]
    }

    /// The elements of 16 bits, to write to; none, if they are float32.
    pub fn halves_mut(&mut self) -> &mut [u16] {
        let size = if self.dtype == GradientDtype::Float32 { 0 } else { self.size };
        &mut cast_slice_mut(self.buffer.as_mut_slice())[..size]
    }
}

impl<'a> GradientView<'a> {
    /// Groups `from..to` in float32: the array's own, or widened into `widened`.
    #[inline]
    pub fn float32(self, from: usize, to: usize, widened: &'a mut [Group]) -> &'a [Group] {
        match self {
            Self::Float32(elements) => &elements[from..to],
            Self::Float16(elements) => widen_float16(&elements[from..to], widened),
            Self::Bfloat16(elements) => widen_bfloat16(&elements[from..to], widened),
        }
    }

    /// Groups in the view.
    pub fn len_in_groups(self) -> usize {
        match self {
            Self::Float32(elements) => elements.len(),
            Self::Float16(elements) | Self::Bfloat16(elements) => elements.len(),
        }
    }

    /// Calls `work` with the offset and the float32 groups of one block after another: one of all elements if they are float32
    /// already, otherwise as many as `widened` holds.
    #[inline(never)]
    pub fn for_each_block(self, widened: &mut [Group], work: &mut dyn FnMut(usize, &[Group])) {
        let (len, capacity) = (self.len_in_groups(), widened.len());
        let block_len = if let Self::Float32(_) = self { len } else { capacity };
        let mut from = 0;
        while from < len {
            let to = len.min(from + block_len);
            work(from, self.float32(from, to, widened));
            from = to;
        }
    }

    /// Whether no element is infinite or `NaN`.
    pub fn all_finite(self, widened: &mut [Group]) -> bool {
        let mut finite = true;
        self.for_each_block(widened, &mut |_, block| finite &= floats_are_finite(flat(block)));
        finite
    }
}

/// Whether no element is infinite or `NaN`. Works on the exponent bits, without a branch per element.
fn floats_are_finite(x: &[f32]) -> bool {
    const EXPONENT: u32 = 0x7f80_0000;
    x.iter().fold(true, |finite, x| finite & (x.to_bits() & EXPONENT != EXPONENT))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arith::group::WIDTH;
    use proptest::prelude::*;

    #[test]
    fn every_pattern_of_16_bits_is_finite_if_its_float32_is() {
        for dtype in [GradientDtype::Float16, GradientDtype::Bfloat16] {
            // In the second block, and not at its beginning.
            let mut gradient = Gradient::zeroed(2 * WIDTH, dtype).unwrap();
            let index = WIDTH + WIDTH / 2;
            for bits in 0..=u16::MAX {
                gradient.halves_mut()[index] = bits;
                let mut widened = [Group::ZERO; 2];
                let expected = flat(gradient.view().float32(0, 2, &mut widened))[index].is_finite();
                assert_eq!(gradient.view().all_finite(&mut [Group::ZERO]), expected, "{dtype:?} {bits:04x}");
            }
        }
    }

    proptest! {
        #[test]
        fn all_finite_is_what_it_says(bits in prop::collection::vec(any::<u32>(), 0..40)) {
            let floats: Vec<f32> = bits.into_iter().map(f32::from_bits).collect();
            prop_assert_eq!(floats_are_finite(&floats), floats.iter().all(|x| x.is_finite()));
        }
    }
}
