//! Keras' `CosineDecayRestarts` (I. Loshchilov, F. Hutter, *SGDR: Stochastic Gradient Descent with Warm Restarts*, 2017).

use super::definition::schedule;
use super::functions::{log_whole, one_plus_cosine, pow_whole};

schedule! {
    /// Half cosines one after another, each `tMul` times as long and starting `mMul` times as high as the one before.
    ///
    /// ```ts
    /// const restarts = { firstDecaySteps: 1000, tMul: 2, mMul: 0.5, alpha: 0 };
    /// const rate = new CosineDecayRestarts({ initialLearningRate: 0.1, ...restarts });
    /// [rate.at(0), rate.at(1000)]; // [0.1, 0.05]
    /// ```
    CosineDecayRestarts(cosine_decay_restarts), name: "SGDRDecay";
    /// Learning rate at step 0.
    initial_learning_rate: Number;
    /// Steps of the first cosine; above 0.
    first_decay_steps: Positive;
    /// Factor from one cosine's length to the next.
    t_mul: Number = 2.0;
    /// Factor from one cosine's height to the next.
    m_mul: Number = 1.0;
    /// Smallest learning rate, as a fraction of the initial one.
    alpha: Number = 0.0;
}

impl CosineDecayRestarts {
    /// The learning rate at `step`.
    pub fn at(&self, step: f32) -> f32 {
        let (t_mul, alpha) = (self.t_mul as f32, self.alpha as f32);
        let lengths = step / self.first_decay_steps as f32;
        let (restarts, progress) = if t_mul == 1.0 {
            (libm::floorf(lengths), lengths - libm::floorf(lengths))
        } else {
            let restarts = log_whole(1.0 - lengths * (1.0 - t_mul), t_mul);
            let power = pow_whole(t_mul, restarts);
            let start = (1.0 - power) / (1.0 - t_mul);
            (restarts, (lengths - start) / power)
        };
        let height = 0.5 * pow_whole(self.m_mul as f32, restarts);
        // 1-α is subtracted in float32, unlike in CosineDecay.
        self.initial_learning_rate as f32 * ((1.0 - alpha) * (height * one_plus_cosine(progress)) + alpha)
    }
}
