//! Weight decay: of the values, or by way of the gradients.
//!
//! Decoupled (I. Loshchilov, F. Hutter, *Decoupled Weight Decay Regularization*, 2019): Keras 3.15.1,
//! `optimizers/base_optimizer.py`, `_apply_weight_decay`: `variable - variable * wd * lr`, before the update.
//!
//! Coupled, the gradient of the penalty `λ·|w|²/2`: PyTorch 2.15, `torch/optim/rmsprop.py`: `grad.add(param, alpha=weight_decay)`,
//! before the squares. Clipping is before the optimizer there, so it does not see the penalty.

use crate::arith::lanes::Lanes;

/// `w - (w·λ)·η`. Also for λ = 0, as in Keras, where it turns infinities into `NaN`.
#[inline]
pub fn decayed<L: Lanes>(w: L, weight_decay: f32, learning_rate: f32) -> L {
    w - (w * weight_decay) * learning_rate
}

/// `g + w·λ`
#[inline]
pub fn penalized<L: Lanes>(g: L, w: L, weight_decay: f32) -> L {
    g + w * weight_decay
}
