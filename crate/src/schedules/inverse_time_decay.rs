//! Keras' `InverseTimeDecay`.

use super::definition::schedule;
use super::functions::periods;

schedule! {
    /// `initialLearningRate / (1 + decayRate * step / decaySteps)`
    ///
    /// ```ts
    /// const rate = new InverseTimeDecay({ initialLearningRate: 0.1, decaySteps: 1000, decayRate: 1, staircase: false });
    /// rate.at(1000); // 0.05
    /// ```
    InverseTimeDecay(inverse_time_decay), name: "InverseTimeDecay";
    /// Learning rate at step 0.
    initial_learning_rate: Number;
    /// Steps per unit of `decayRate`; above 0.
    decay_steps: Positive;
    /// What is added to the divisor every `decaySteps`.
    decay_rate: Number;
    /// Decay once every `decaySteps` instead of at each step.
    staircase: Flag;
}

impl InverseTimeDecay {
    /// The learning rate at `step`.
    pub fn at(&self, step: f32) -> f32 {
        let periods = periods(step, self.decay_steps, self.staircase);
        self.initial_learning_rate as f32 / (1.0 + self.decay_rate as f32 * periods)
    }
}
