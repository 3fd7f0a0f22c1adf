//! Decoupled weight decay (I. Loshchilov, F. Hutter, *Decoupled Weight Decay Regularization*, 2019), as Keras rounds it.

use crate::subnormal::{Careful, SMALLEST, any_below, by_lanes, lanes, map, put, shrinks};

/// `w ← w - (w·λ)·η`, before the update. Runs also for λ = 0, as in Keras, where it turns infinities into `NaN`.
#[inline]
pub fn decay(value: &mut [f32], weight_decay: f32, learning_rate: f32) {
    for w in value {
        *w -= (*w * weight_decay) * learning_rate;
    }
}

/// [`decay`], for values that may be subnormal.
pub fn decay_carefully(value: &mut [f32], weight_decay: f32, learning_rate: f32) {
    if !is_delicate(value, weight_decay, learning_rate) {
        return decay(value, weight_decay, learning_rate);
    }
    let careful = Careful::new();
    by_lanes(value.len(), |i| {
        let w = lanes(value, i);
        put(value, i, map(w, careful.times(learning_rate, careful.times(weight_decay, w)), |w, change| w - change));
    });
}

/// Whether products here may be subnormal.
pub fn is_delicate(value: &[f32], weight_decay: f32, learning_rate: f32) -> bool {
    any_below(value, SMALLEST - shrinks(weight_decay) - shrinks(learning_rate))
}
