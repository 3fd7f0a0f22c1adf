//! Decoupled weight decay (I. Loshchilov, F. Hutter, *Decoupled Weight Decay Regularization*, 2019).
//!
//! Keras 3.15.1, `optimizers/base_optimizer.py`, `_apply_weight_decay`: `variable - variable * wd * lr`, before the update.

use crate::arith::lanes::Lanes;

/// `w - (w·λ)·η`. Also for λ = 0, as in Keras, where it turns infinities into `NaN`.
#[inline]
pub fn decayed<L: Lanes>(w: L, weight_decay: f32, learning_rate: f32) -> L {
    w - (w * weight_decay) * learning_rate
}
