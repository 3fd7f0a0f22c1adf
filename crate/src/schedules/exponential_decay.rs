//! Keras' `ExponentialDecay`.

use super::definition::schedule;
use super::functions::{periods, pow};

schedule! {
    /// `initialLearningRate * decayRate ** (step / decaySteps)`
    ///
    /// ```ts
    /// const rate = new ExponentialDecay({ initialLearningRate: 0.1, decaySteps: 1000, decayRate: 0.5, staircase: true });
    /// rate.at(1500); // 0.05
    /// ```
    ExponentialDecay(exponential_decay), name: "ExponentialDecay";
    /// Learning rate at step 0.
    initial_learning_rate: Number;
    /// Steps per factor of `decayRate`; above 0.
    decay_steps: Positive;
    /// The factor.
    decay_rate: Number;
    /// Decay once every `decaySteps` instead of at each step.
    staircase: Flag;
}

impl ExponentialDecay {
    /// The learning rate at `step`.
    pub fn at(&self, step: f32) -> f32 {
        let periods = periods(step, self.decay_steps, self.staircase);
        self.initial_learning_rate as f32 * pow(self.decay_rate as f32, periods)
    }
}
