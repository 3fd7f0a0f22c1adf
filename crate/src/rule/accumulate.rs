//! Gradients on their way to the update: divided by the loss scale, then summed over several calls and averaged.
//!
//! Keras 3.15.1, `optimizers/base_optimizer.py`: `apply`, `_backend_apply_gradients`,
//! `_backend_increment_gradient_accumulators`, and `_overwrite_variables_directly_with_gradients` for the maximum.

use crate::arith::lanes::Lanes;
use core::ops::Div;

/// `g / loss_scale`
#[inline]
pub fn unscaled<L: Lanes + Div<D, Output = L>, D>(g: L, loss_scale: D) -> L {
    g / loss_scale
}

/// `g + accumulator`: the accumulator after a call that does not update.
#[inline]
pub fn accumulated<L: Lanes>(g: L, accumulator: L) -> L {
    g + accumulator
}

/// `(g + accumulator) / steps`: the gradient of a call that updates.
#[inline]
pub fn averaged_gradient<L: Lanes + Div<D, Output = L>, D>(g: L, accumulator: L, steps: D) -> L {
    (g + accumulator) / steps
}

/// `maximum(g, accumulator)` as NumPy has it: `NaN` in either wins, and of two zeros the accumulator. Keras accumulates
/// this for a variable that is overwritten with its gradient; the accumulator starts at 0, so negative gradients become 0
/// (a quirk of Keras).
#[inline]
pub fn maximum(g: f32, accumulator: f32) -> f32 {
    if g > accumulator || g.is_nan() { g } else { accumulator }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maximum_propagates_nan_from_either_side() {
        assert!(maximum(f32::NAN, 1.0).is_nan());
        assert!(maximum(1.0, f32::NAN).is_nan());
        assert_eq!(maximum(-1.0, 0.0), 0.0);
        assert_eq!(maximum(2.0, 1.0), 2.0);
        assert_eq!(maximum(-0.0, 0.0).to_bits(), 0.0_f32.to_bits());
    }
}
