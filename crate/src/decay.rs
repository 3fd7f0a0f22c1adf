//! Decoupled weight decay (I. Loshchilov, F. Hutter, *Decoupled Weight Decay Regularization*, 2019), as Keras rounds it.

use crate::lanes::{Group, apply, flat_mut};
use crate::subnormal::{Careful, SMALLEST, any_below, by_fours, four, map, put, shrinks};

/// `w - (w·λ)·η`, from which the update starts. Also for λ = 0, as in Keras, where it turns infinities into `NaN`.
#[inline]
pub fn decayed(w: f32, weight_decay: f32, learning_rate: f32) -> f32 {
    w - (w * weight_decay) * learning_rate
}

/// `w ←` [`decayed`].
pub fn decay(value: &mut [Group], weight_decay: f32, learning_rate: f32) {
    apply(value, |w| decayed(w, weight_decay, learning_rate));
}

/// [`decay`], for values that may be subnormal.
pub fn decay_carefully(value: &mut [Group], weight_decay: f32, learning_rate: f32) {
    if !is_delicate(value, weight_decay, learning_rate) {
        return decay(value, weight_decay, learning_rate);
    }
    let (careful, value) = (Careful::new(), flat_mut(value));
    by_fours(value.len(), |i| {
        let w = four(value, i);
        put(value, i, map(w, careful.times(learning_rate, careful.times(weight_decay, w)), |w, change| w - change));
    });
}

/// Whether products here may be subnormal.
pub fn is_delicate(value: &[Group], weight_decay: f32, learning_rate: f32) -> bool {
    any_below(value, SMALLEST - shrinks(weight_decay) - shrinks(learning_rate))
}
