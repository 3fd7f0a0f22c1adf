//! Decoupled weight decay (I. Loshchilov, F. Hutter, *Decoupled Weight Decay Regularization*, 2019), as Keras rounds it.

use crate::arith::group::{Group, apply};
use crate::arith::lanes::{Careful, Number};
use crate::arith::subnormal::{SMALLEST, any_below, shrinks};

/// `w - (w·λ)·η`, from which the update starts. Also for λ = 0, as in Keras, where it turns infinities into `NaN`.
#[inline]
pub fn decayed<N: Number>(w: N, weight_decay: f32, learning_rate: f32) -> N {
    w - (w * weight_decay) * learning_rate
}

/// `w ←` [`decayed`].
pub fn decay<N: Number>(value: &mut [Group], weight_decay: f32, learning_rate: f32) {
    apply(value, |w: N| decayed(w, weight_decay, learning_rate));
}

/// [`decay`], for values that may be subnormal.
pub fn decay_carefully(value: &mut [Group], weight_decay: f32, learning_rate: f32) {
    if is_delicate(value, weight_decay, learning_rate) {
        decay::<Careful>(value, weight_decay, learning_rate);
    } else {
        decay::<f32>(value, weight_decay, learning_rate);
    }
}

/// Whether products here may be subnormal.
pub fn is_delicate(value: &[Group], weight_decay: f32, learning_rate: f32) -> bool {
    any_below(value, SMALLEST - shrinks(weight_decay) - shrinks(learning_rate))
}
