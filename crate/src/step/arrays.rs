//! The arrays of one variable.

use crate::arith::group::Group;
use crate::memory::buffer::Buffer;
use crate::memory::gradient_view::GradientView;
use crate::memory::variable::Variable;
use crate::step::scratch::BLOCK;
use crate::step::slots::Slots;

/// A variable's values, gradient and slots, or the same range of each.
pub struct Arrays<'a, S> {
    pub value: &'a mut [Group],
    pub gradient: GradientView<'a>,
    /// Borrowed, and of either type: five slices made of them would cost 8 ns per tensor.
    pub slots: &'a mut Slots<Option<S>>,
}

impl<'a> Arrays<'a, Buffer> {
    #[inline]
    pub fn of(variable: &'a mut Variable, slots: &'a mut Slots<Option<Buffer>>) -> Self {
        let Variable { value, gradient, .. } = variable;
        Self { value: value.groups_mut(), gradient: gradient.view(), slots }
    }
}

impl<'a, S> Arrays<'a, S> {
    /// The gradient, if it is float32 and no block of the arrays is to be scanned.
    #[inline]
    pub fn gradient_if_no_scan(&self, scan_offset: usize) -> Option<&'a [Group]> {
        match self.gradient {
            GradientView::Float32(gradient) if gradient.len() <= scan_offset * BLOCK => Some(gradient),
            _ => None,
        }
    }
}
