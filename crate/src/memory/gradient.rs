//! Gradients, also of 16 bits: what is computed in half precision need not be widened by its owner, nor kept twice.
//!
//! Values and state stay float32 (P. Micikevicius et al., *Mixed Precision Training*, 2018).

use crate::arith::group::group_count;
use crate::arith::half::HalfGroup;
use crate::memory::buffer::{Buffer, OutOfMemory};
use crate::memory::gradient_view::GradientView;
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
