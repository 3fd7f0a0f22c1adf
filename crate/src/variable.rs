//! A trainable variable: its values and the gradient of the loss with respect to them.

use crate::arena::{Arena, Buffer, Handle, OutOfMemory};

/// The variables of a program, by handle. Several optimizers may work on the same ones.
pub type Variables = Arena<Variable>;

/// Values and gradients of one variable, flattened in C order.
#[derive(Debug)]
pub struct Variable {
    pub(crate) value: Buffer,
    pub(crate) gradient: Buffer,
    pub(crate) overwrite_with_gradient: bool,
}

impl Variable {
    /// A variable of `size` zeros, with a gradient of zeros.
    ///
    /// # Errors
    /// [`OutOfMemory`] if the allocator has no room for both arrays.
    pub fn zeroed(size: usize) -> Result<Self, OutOfMemory> {
        Ok(Self { value: Buffer::zeroed(size)?, gradient: Buffer::zeroed(size)?, overwrite_with_gradient: false })
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
    pub fn bytes(size: usize) -> Option<usize> {
        Buffer::bytes(size)?.checked_mul(2)?.checked_add(Variables::PLACE)
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

    /// The gradient.
    pub fn gradient(&self) -> &[f32] {
        self.gradient.as_slice()
    }

    /// The gradient, to change.
    pub fn gradient_mut(&mut self) -> &mut [f32] {
        self.gradient.as_mut_slice()
    }
}

/// The handle of a variable that an optimizer works on, but that was removed from [`Variables`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Freed(pub Handle);
