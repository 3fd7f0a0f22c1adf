//! Keras' learning-rate schedules that compute: each a struct of its parameters and a function of the step.
//!
//! Keras 3.15.1, `optimizers/schedules/learning_rate_schedule.py`. Parameters are rounded to float32 when they are
//! used, each operation is one float32 operation, and `pow`, `cos` and `log` are evaluated in float64 and rounded once.
//! They come from `libm` and `cosine.rs`, in Rust, so that no two engines differ in a bit.
//! (`PiecewiseConstantDecay` computes nothing: it is a look-up, and lives in TypeScript.)
//!
//! A step is the number of calls of an optimizer before this one, also of those that only accumulated
//! ([`raw_iterations`](crate::Optimizer::raw_iterations)): Keras has float32s there, which are exact up to 2²⁴. Any number is
//! computed with; what Keras accepts is said at each field.

use crate::schedules::cosine::cos;

/// `xʸ`, rounded once.
fn pow(x: f32, y: f32) -> f32 {
    libm::pow(f64::from(x), f64::from(y)) as f32
}

/// `½ (1 + cos(π·progress))`, from 1 down to 0 as progress goes from 0 to 1.
fn half_cosine(progress: f32) -> f32 {
    0.5 * one_plus_cosine(progress)
}

fn one_plus_cosine(progress: f32) -> f32 {
    1.0 + cos(core::f32::consts::PI * progress)
}

/// `initial · rate^(step / steps)`
#[derive(Clone, Copy, Debug)]
pub struct ExponentialDecay {
    /// Learning rate at step 0.
    pub initial_learning_rate: f64,
    /// Steps per factor of `decay_rate`; above 0.
    pub decay_steps: f64,
    /// The factor.
    pub decay_rate: f64,
    /// Whether to decay once every `decay_steps` instead of at each step.
    pub staircase: bool,
}

/// `step / steps`, or the whole part of it.
fn periods(step: f32, decay_steps: f64, staircase: bool) -> f32 {
    let periods = step / decay_steps as f32;
    if staircase { libm::floorf(periods) } else { periods }
}

impl ExponentialDecay {
    /// The learning rate at `step`.
    pub fn at(&self, step: f32) -> f32 {
        let periods = periods(step, self.decay_steps, self.staircase);
        self.initial_learning_rate as f32 * pow(self.decay_rate as f32, periods)
    }
}

/// `initial / (1 + rate · step / steps)`
#[derive(Clone, Copy, Debug)]
pub struct InverseTimeDecay {
    /// Learning rate at step 0.
    pub initial_learning_rate: f64,
    /// Steps per unit of `decay_rate`; above 0.
    pub decay_steps: f64,
    /// What is added to the divisor every `decay_steps`.
    pub decay_rate: f64,
    /// Whether to decay once every `decay_steps` instead of at each step.
    pub staircase: bool,
}

impl InverseTimeDecay {
    /// The learning rate at `step`.
    pub fn at(&self, step: f32) -> f32 {
        let periods = periods(step, self.decay_steps, self.staircase);
        self.initial_learning_rate as f32 / (1.0 + self.decay_rate as f32 * periods)
    }
}

/// `(initial - end) · (1 - step / steps)^power + end`
#[derive(Clone, Copy, Debug)]
pub struct PolynomialDecay {
    /// Learning rate at step 0.
    pub initial_learning_rate: f64,
    /// Steps until the end is reached; above 0.
    pub decay_steps: f64,
    /// Learning rate at the end.
    pub end_learning_rate: f64,
    /// Power of the polynomial; 1 is linear.
    pub power: f64,
    /// Whether to stretch `decay_steps` to its next multiple instead of staying at the end.
    pub cycle: bool,
}

impl PolynomialDecay {
    /// The learning rate at `step`.
    pub fn at(&self, step: f32) -> f32 {
        let steps = self.decay_steps as f32;
        let (step, steps) = if self.cycle {
            let cycles = if step == 0.0 { 1.0 } else { libm::ceilf(step / steps) };
            (step, steps * cycles)
        } else {
            (minimum(step, steps), steps)
        };
        let (initial, end) = (self.initial_learning_rate as f32, self.end_learning_rate as f32);
        (initial - end) * pow(1.0 - step / steps, self.power as f32) + end
    }
}

/// Linear warm-up to a target, then half a cosine down (I. Loshchilov, F. Hutter, *SGDR*, 2017).
#[derive(Clone, Copy, Debug)]
pub struct CosineDecay {
    /// Learning rate at step 0.
    pub initial_learning_rate: f64,
    /// Steps of the cosine; above 0.
    pub decay_steps: f64,
    /// Smallest learning rate, as a fraction of the largest.
    pub alpha: f64,
    /// Learning rate at the end of the warm-up; `None`: no warm-up.
    pub warmup_target: Option<f64>,
    /// Steps of the warm-up.
    pub warmup_steps: f64,
}

impl CosineDecay {
    /// The learning rate at `step`.
    pub fn at(&self, step: f32) -> f32 {
        let (initial, steps) = (self.initial_learning_rate as f32, self.decay_steps as f32);
        let Some(target) = self.warmup_target else {
            return self.decay(minimum(step, steps), steps, initial);
        };
        let (target, warmup) = (target as f32, self.warmup_steps as f32);
        let step = minimum(step, steps + warmup);
        if step < warmup {
            (target - initial) * (step / warmup) + initial
        } else {
            self.decay(step - warmup, steps, target)
        }
    }

    fn decay(&self, step: f32, steps: f32, from: f32) -> f32 {
        from * ((1.0 - self.alpha) as f32 * half_cosine(step / steps) + self.alpha as f32)
    }
}

/// Half cosines one after another, each `t_mul` times as long and `m_mul` times as high as the one before
/// (I. Loshchilov, F. Hutter, *SGDR: Stochastic Gradient Descent with Warm Restarts*, 2017).
#[derive(Clone, Copy, Debug)]
pub struct CosineDecayRestarts {
    /// Learning rate at step 0.
    pub initial_learning_rate: f64,
    /// Steps of the first cosine; above 0.
    pub first_decay_steps: f64,
    /// Factor from one cosine's length to the next.
    pub t_mul: f64,
    /// Factor from one cosine's height to the next.
    pub m_mul: f64,
    /// Smallest learning rate, as a fraction of the initial one.
    pub alpha: f64,
}

impl CosineDecayRestarts {
    /// The learning rate at `step`.
    pub fn at(&self, step: f32) -> f32 {
        let (t_mul, alpha) = (self.t_mul as f32, self.alpha as f32);
        let lengths = step / self.first_decay_steps as f32;
        let (restarts, progress) = if t_mul == 1.0 {
            (libm::floorf(lengths), lengths - libm::floorf(lengths))
        } else {
            let log = |x: f32| libm::log(f64::from(x)) as f32;
            let restarts = libm::floorf(log(1.0 - lengths * (1.0 - t_mul)) / log(t_mul));
            let power = pow(t_mul, restarts);
            let start = (1.0 - power) / (1.0 - t_mul);
            (restarts, (lengths - start) / power)
        };
        let height = 0.5 * pow(self.m_mul as f32, restarts);
        // Here, unlike in CosineDecay, Keras subtracts alpha in float32.
        self.initial_learning_rate as f32 * ((1.0 - alpha) * (height * one_plus_cosine(progress)) + alpha)
    }
}

/// `min(x, y)` as NumPy has it: `NaN` in either wins.
fn minimum(x: f32, y: f32) -> f32 {
    if x <= y || x.is_nan() { x } else { y }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 1-α is subtracted in float64 in one cosine and in float32 in the other; for α = 0.9 the bits differ.
    #[test]
    fn one_minus_alpha_is_rounded_where_keras_rounds_it() {
        let alpha = 0.9;
        let decay =
            CosineDecay { initial_learning_rate: 1.0, decay_steps: 1.0, alpha, warmup_target: None, warmup_steps: 0.0 };
        let restarts =
            CosineDecayRestarts { initial_learning_rate: 1.0, first_decay_steps: 1.0, t_mul: 1.0, m_mul: 1.0, alpha };
        // cos(π/64): near the top of the cosine the difference shows in the last bit.
        assert_eq!(decay.at(0.015_625).to_bits(), 0x3f7f_fc0d);
        assert_eq!(restarts.at(0.015_625).to_bits(), 0x3f7f_fc0e);
    }
}
