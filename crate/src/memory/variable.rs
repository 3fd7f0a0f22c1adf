//! A trainable variable: its values and the gradient of the loss with respect to them.

use crate::memory::buffer::{Buffer, OutOfMemory};
use crate::memory::gradient::{Gradient, GradientDtype};
use crate::memory::slot_map::{Handle, SlotMap};
use core::{error::Error, fmt};

/// The variables of a program, by handle. Several optimizers may work on the same ones.
pub type Variables = SlotMap<Variable>;

/// Values and gradients of one variable, flattened in C order.
#[derive(Debug)]
pub struct Variable {
    pub(crate) value: Buffer,
    pub(crate) gradient: Gradient,
    pub(crate) overwrite_with_gradient: bool,
}

impl Variable {
    /// A variable of `size` zeros, with a gradient of zeros.
    ///
    /// # Errors
    /// [`OutOfMemory`] if the allocator has no room for both arrays.
    pub fn zeroed(size: usize) -> Result<Self, OutOfMemory> {
        Self::zeroed_with(size, GradientDtype::Float32)
    }

    /// A variable of `size` zeros, with a gradient of zeros of this type.
    ///
    /// # Errors
    /// [`OutOfMemory`] if the allocator has no room for both arrays.
    pub fn zeroed_with(size: usize, gradient: GradientDtype) -> Result<Self, OutOfMemory> {
        let gradient = Gradient::zeroed(size, gradient)?;
        Ok(Self { value: Buffer::zeroed(size)?, gradient, overwrite_with_gradient: false })
    }

    /// A variable with these values and a gradient of zeros.
    ///
    /// # Errors
    /// [`OutOfMemory`] if the allocator has no room for both arrays.
    pub fn new(values: &[f32]) -> Result<Self, OutOfMemory> {
        let mut variable = Self::zeroed(values.len())?;
        variable.value_mut().copy_from_slice(values);
        Ok(variable)
    }

    /// Bytes of memory that a variable of `size` takes; `None` if that is more than can be addressed.
    pub fn bytes(size: usize, gradient: GradientDtype) -> Option<usize> {
        let value = Buffer::bytes(size)?;
        value.checked_add(Gradient::bytes(size, gradient)?)?.checked_add(Variables::BYTES_PER_OBJECT)
    }

    /// Bytes of memory taken: what [`bytes`](Self::bytes) said.
    pub fn own_bytes(&self) -> usize {
        Self::bytes(self.value().len(), self.gradient.dtype).unwrap_or(0)
    }

    /// The same variable, but a step sets it to its gradient instead of updating it (Keras:
    /// `overwrite_with_gradient`, for statistics such as FP8 scales that are computed as if they were gradients).
    pub fn overwritten_with_gradient(mut self) -> Self {
        self.overwrite_with_gradient = true;
        self
    }

    /// The values.
    pub fn value(&self) -> &[f32] {
        self.value.as_slice()
    }

    /// The values, to change.
    pub fn value_mut(&mut self) -> &mut [f32] {
        self.value.as_mut_slice()
    }

    /// The gradient, if its type is float32; otherwise nothing.
    pub fn gradient(&self) -> &[f32] {
        if self.gradient.dtype == GradientDtype::Float32 { self.gradient.buffer.as_slice() } else { &[] }
    }

    /// The gradient, to change, if its type is float32; otherwise nothing.
    pub fn gradient_mut(&mut self) -> &mut [f32] {
        if self.gradient.dtype == GradientDtype::Float32 { self.gradient.buffer.as_mut_slice() } else { &mut [] }
    }

    /// The gradient as its bits, if its type is one of 16 bits; otherwise nothing.
    pub fn half_gradient(&self) -> &[u16] {
        self.gradient.halves()
    }

    /// The gradient as its bits, to change, if its type is one of 16 bits; otherwise nothing.
    pub fn half_gradient_mut(&mut self) -> &mut [u16] {
        self.gradient.halves_mut()
    }
}

/// The handle of a variable that an optimizer works on, but that was removed from [`Variables`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Freed(pub Handle);

impl fmt::Display for Freed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "variable {} is not there", self.0)
    }
}

impl Error for Freed {}
