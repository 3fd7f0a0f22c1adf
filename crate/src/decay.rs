//! Decoupled weight decay (I. Loshchilov, F. Hutter, *Decoupled Weight Decay Regularization*, 2019), as Keras rounds it.

/// `w ← w - (w·λ)·η`, before the update. Runs also for λ = 0, as in Keras, where it turns infinities into `NaN`.
#[inline]
pub fn decay(value: &mut [f32], weight_decay: f32, learning_rate: f32) {
    for w in value {
        *w -= (*w * weight_decay) * learning_rate;
    }
}
