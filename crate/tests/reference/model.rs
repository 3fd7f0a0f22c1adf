//! The whole optimizer as Keras' source reads, one element after the other, with nothing shared with the crate but the
//! names of hyper-parameters and slots. Written from the description of Keras 3.15.1 (`base_optimizer.py`, `rmsprop.py`) and, for
//! the modes, of PyTorch 2.15 (`optim/rmsprop.py`), not from the crate: slow, simple, and right when both agree.

use rmsprop::config::{EpsilonMode, MomentumMode, WeightDecayMode};
use rmsprop::{Hyperparameters, Override, Slot};

/// A variable and all that is kept for it.
#[derive(Clone, Debug)]
pub struct Variable {
    pub value: Vec<f32>,
    pub gradient: Vec<f32>,
    pub overwrite_with_gradient: bool,
    pub overrides: Override,
    average: Option<Vec<f32>>,
    accumulator: Option<Vec<f32>>,
    velocity: Option<Vec<f32>>,
    momentum: Option<Vec<f32>>,
    average_gradient: Option<Vec<f32>>,
}

/// Variables and their optimizer.
#[derive(Clone, Debug)]
pub struct Model {
    pub hyperparameters: Hyperparameters,
    pub variables: Vec<Variable>,
    pub raw_iterations: u32,
}

/// A dynamic loss scale, with bounds, which Keras does not have.
#[derive(Clone, Debug)]
pub struct LossScale {
    pub scale: f32,
    pub counter: i32,
    pub growth_steps: i32,
    pub minimum: f32,
    pub maximum: f32,
}

/// `numpy.maximum`: of two zeros it takes the second (measured with 2.4.6 on x86-64, with and without SIMD).
fn maximum(x: f32, y: f32) -> f32 {
    if x.is_nan() || y.is_nan() {
        f32::NAN
    } else if x > y {
        x
    } else {
        y
    }
}

/// `numpy.minimum`, likewise.
fn minimum(x: f32, y: f32) -> f32 {
    if x.is_nan() || y.is_nan() {
        f32::NAN
    } else if x < y {
        x
    } else {
        y
    }
}

/// `numpy.clip`, which keeps a zero that is a limit too as it is (measured).
fn clipped(x: f32, smallest: f32, largest: f32) -> f32 {
    if x < smallest {
        smallest
    } else if x > largest {
        largest
    } else {
        x
    }
}

/// `NumPy`'s `add.reduce` over a contiguous float32 array.
pub fn sum(a: &[f32]) -> f32 {
    let n = a.len();
    if n < 8 {
        let mut sum = 0.0;
        for &x in a {
            sum += x;
        }
        sum
    } else if n <= 128 {
        let mut r = [a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7]];
        let mut i = 8;
        while i < n - n % 8 {
            for j in 0..8 {
                r[j] += a[i + j];
            }
            i += 8;
        }
        let mut sum = ((r[0] + r[1]) + (r[2] + r[3])) + ((r[4] + r[5]) + (r[6] + r[7]));
        while i < n {
            sum += a[i];
            i += 1;
        }
        sum
    } else {
        let mut half = n / 2;
        half -= half % 8;
        sum(&a[..half]) + sum(&a[half..])
    }
}

fn sum_of_squares(gradient: &[f32]) -> f32 {
    let squares: Vec<f32> = gradient.iter().map(|g| g * g).collect();
    sum(&squares)
}

/// A threshold that is given and above 0.
fn threshold(option: Option<f64>) -> Option<f64> {
    option.filter(|&threshold| threshold > 0.0)
}

/// Clips the gradients of one call.
fn clip(hyperparameters: &Hyperparameters, gradients: &mut [Vec<f32>]) {
    if let Some(clipnorm) = threshold(hyperparameters.clipnorm) {
        let c = clipnorm as f32;
        for gradient in gradients {
            let s = sum_of_squares(gradient);
            let norm = if s > 0.0 { s.sqrt() } else { s };
            for g in gradient {
                *g = (*g * c) / maximum(norm, c);
            }
        }
    } else if let Some(clipnorm) = threshold(hyperparameters.global_clipnorm) {
        let sums: Vec<f32> = gradients.iter().map(|g| sum_of_squares(g)).collect();
        let norm = sum(&sums).sqrt();
        let mut factor = clipnorm as f32 * minimum(1.0 / norm, (1.0 / clipnorm) as f32);
        // Keras: use_norm + (use_norm - use_norm), so that what is not finite becomes NaN.
        factor += if norm.is_finite() { 0.0 } else { f32::NAN };
        for g in gradients.iter_mut().flatten() {
            *g *= factor;
        }
    } else if let Some(clipvalue) = threshold(hyperparameters.clipvalue) {
        for g in gradients.iter_mut().flatten() {
            *g = clipped(*g, (-clipvalue) as f32, clipvalue as f32);
        }
    }
}

impl Model {
    pub fn new(hyperparameters: Hyperparameters, mut variables: Vec<Variable>) -> Self {
        let h = &hyperparameters;
        let accumulates = h.gradient_accumulation_steps.is_some_and(|steps| steps != 0.0);
        for variable in &mut variables {
            let kept = |kept: bool| kept.then(|| vec![0.0; variable.value.len()]);
            let updated = !variable.overwrite_with_gradient;
            variable.accumulator = kept(accumulates);
            variable.average = kept(updated && h.use_ema);
            variable.velocity = updated.then(|| vec![h.initial_velocity as f32; variable.value.len()]);
            variable.momentum = kept(updated && h.momentum > 0.0);
            variable.average_gradient = kept(updated && h.centered);
        }
        Self { hyperparameters, variables, raw_iterations: 0 }
    }

    /// Number of calls per update.
    fn steps(&self) -> u32 {
        match self.hyperparameters.gradient_accumulation_steps {
            None | Some(0.0) => 1,
            Some(steps) => steps as u32,
        }
    }

    pub fn iterations(&self) -> u32 {
        self.raw_iterations / self.steps()
    }

    /// `apply` with gradients of the variables of these numbers, in this order. `loss_scale` is that of a
    /// `LossScaleOptimizer`.
    pub fn apply(&mut self, order: &[usize], learning_rate: f32, loss_scale: Option<f32>) {
        let h = self.hyperparameters.clone();
        let steps = self.steps();
        let updates = (self.raw_iterations + 1).is_multiple_of(steps);
        let averages = order.iter().any(|&i| {
            let Variable { overwrite_with_gradient, overrides, .. } = &self.variables[i];
            !(*overwrite_with_gradient && overrides.trainable)
        });
        let order = self.overwrite(&self.trainable(order), updates);
        if !averages {
            self.raw_iterations += 1;
            return;
        }

        let mut gradients: Vec<Vec<f32>> = order.iter().map(|&i| self.variables[i].gradient.clone()).collect();
        let factor = h.loss_scale_factor.map(|factor| factor as f32);
        if let Some(scale) = loss_scale.or(factor) {
            for g in gradients.iter_mut().flatten() {
                *g /= scale;
            }
        }
        if steps > 1 {
            for (gradient, &i) in gradients.iter_mut().zip(&order) {
                let accumulator = self.variables[i].accumulator.as_mut().unwrap();
                for (g, sum) in gradient.iter_mut().zip(accumulator) {
                    if updates {
                        *g = (*g + *sum) / steps as f32;
                    } else {
                        *sum += *g;
                    }
                }
            }
        }
        if updates {
            clip(&h, &mut gradients);
            for (gradient, &i) in gradients.iter_mut().zip(&order) {
                if h.maximize {
                    for g in gradient.iter_mut() {
                        *g = -*g;
                    }
                }
                let variable = &mut self.variables[i];
                let rate = (f64::from(learning_rate) * variable.overrides.learning_rate_multiplier) as f32;
                variable.decay(&h, rate, gradient);
                variable.update(&h, rate, gradient);
            }
            // Keras looks at accumulators only while it accumulates.
            let variables = self.variables.iter_mut().filter(|_| steps > 1);
            for accumulator in variables.flat_map(|variable| &mut variable.accumulator) {
                accumulator.fill(0.0);
            }
        }
        if h.use_ema {
            self.average();
        }
        self.raw_iterations += 1;
    }

    /// Keras gives an optimizer the gradients of trainable variables alone.
    fn trainable(&self, order: &[usize]) -> Vec<usize> {
        order.iter().copied().filter(|&i| self.variables[i].overrides.trainable).collect()
    }

    /// The overrides of a variable from now on.
    pub fn set_override(&mut self, i: usize, overrides: Override) {
        self.variables[i].overrides = overrides;
    }

    /// Sets the variables that are overwritten with their gradients; returns the numbers of the others.
    fn overwrite(&mut self, order: &[usize], updates: bool) -> Vec<usize> {
        let accumulates = self.steps() > 1;
        let mut others = Vec::new();
        for &i in order {
            let variable = &mut self.variables[i];
            if !variable.overwrite_with_gradient {
                others.push(i);
                continue;
            }
            for (e, &g) in variable.gradient.iter().enumerate() {
                let Some(accumulator) = variable.accumulator.as_mut().filter(|_| accumulates) else {
                    variable.value[e] = g;
                    continue;
                };
                let greatest = maximum(g, accumulator[e]);
                if updates {
                    variable.value[e] = greatest;
                    accumulator[e] = 0.0;
                } else {
                    accumulator[e] = greatest;
                }
            }
        }
        others
    }

    fn average(&mut self) {
        let h = &self.hyperparameters;
        let iterations = self.iterations();
        let not_first: f32 = if iterations == 0 { 0.0 } else { 1.0 };
        let momentum = not_first * h.ema_momentum as f32;
        let overwrites = match h.ema_overwrite_frequency {
            None | Some(0.0) => false,
            Some(frequency) => (iterations + 1).is_multiple_of(frequency as u32),
        };
        for variable in &mut self.variables {
            let Some(average) = &mut variable.average else {
                continue;
            };
            for (average, w) in average.iter_mut().zip(&mut variable.value) {
                *average = (momentum * *average) + ((1.0 - momentum) * *w);
                if overwrites && variable.overrides.trainable {
                    *w = *average;
                }
            }
        }
    }

    /// `apply` of a `LossScaleOptimizer`; whether all gradients were finite.
    pub fn apply_scaled(&mut self, order: &[usize], learning_rate: f32, scale: &mut LossScale) -> bool {
        let finite = self.trainable(order).iter().all(|&i| self.variables[i].gradient.iter().all(|g| g.is_finite()));
        if finite {
            if !order.is_empty() {
                self.apply(order, learning_rate, Some(scale.scale));
            }
            if scale.counter == scale.growth_steps - 1 {
                scale.counter = 0;
                scale.scale = minimum(scale.scale * 2.0, scale.maximum);
            } else {
                scale.counter += 1;
            }
        } else {
            scale.counter = 0;
            scale.scale = maximum(scale.scale * 0.5, scale.minimum);
        }
        finite
    }

    /// Sets the variables to their averages.
    pub fn finalize(&mut self) {
        for variable in &mut self.variables {
            if let Some(average) = &variable.average {
                variable.value.clone_from(average);
            }
        }
    }
}

impl Variable {
    /// A variable before an optimizer is built for it.
    pub fn new(value: Vec<f32>, overwrite_with_gradient: bool, overrides: Override) -> Self {
        Self {
            gradient: vec![0.0; value.len()],
            value,
            overwrite_with_gradient,
            overrides,
            average: None,
            accumulator: None,
            velocity: None,
            momentum: None,
            average_gradient: None,
        }
    }

    /// The state, by the crate's names.
    pub fn slot(&mut self, slot: Slot) -> &mut Option<Vec<f32>> {
        match slot {
            Slot::Average => &mut self.average,
            Slot::GradientAccumulator => &mut self.accumulator,
            Slot::Velocity => &mut self.velocity,
            Slot::Momentum => &mut self.momentum,
            Slot::AverageGradient => &mut self.average_gradient,
        }
    }

    fn decay(&mut self, h: &Hyperparameters, learning_rate: f32, gradient: &mut [f32]) {
        let own = self.overrides.weight_decay;
        let Some(weight_decay) = own.or(h.weight_decay.map(|weight_decay| weight_decay as f32)) else {
            return;
        };
        if !self.overrides.decays {
            return;
        }
        for (w, g) in self.value.iter_mut().zip(gradient) {
            match h.weight_decay_mode {
                WeightDecayMode::Decoupled => *w -= (*w * weight_decay) * learning_rate,
                WeightDecayMode::Coupled if weight_decay != 0.0 => *g += *w * weight_decay,
                WeightDecayMode::Coupled => {}
            }
        }
    }

    fn update(&mut self, h: &Hyperparameters, learning_rate: f32, gradient: &[f32]) {
        let (rho, epsilon, mu) = (h.rho as f32, h.epsilon as f32, h.momentum as f32);
        let one_minus_rho = (1.0 - h.rho) as f32;
        let velocity = self.velocity.as_mut().unwrap();
        for (i, &g) in gradient.iter().enumerate() {
            velocity[i] = (rho * velocity[i]) + (one_minus_rho * (g * g));
            let mut variance = velocity[i];
            let mut centered = false;
            if let (true, Some(average)) = (h.centered, &mut self.average_gradient) {
                average[i] = (rho * average[i]) + (one_minus_rho * g);
                variance = velocity[i] - (average[i] * average[i]);
                centered = true;
            }
            let denominator = match h.epsilon_mode {
                // Our rule, where Keras makes NaN or infinity.
                EpsilonMode::Inside if centered && variance + epsilon <= 0.0 => epsilon.sqrt(),
                EpsilonMode::Inside => (variance + epsilon).sqrt(),
                // Our rule, where PyTorch makes NaN.
                EpsilonMode::Outside if centered && variance < 0.0 => epsilon,
                EpsilonMode::Outside => variance.sqrt() + epsilon,
            };
            if let (true, Some(momentum)) = (h.momentum > 0.0, &mut self.momentum) {
                match h.momentum_mode {
                    MomentumMode::Keras => {
                        momentum[i] = (mu * momentum[i]) + ((learning_rate * g) / denominator);
                        self.value[i] -= momentum[i];
                    }
                    MomentumMode::Torch => {
                        momentum[i] = (mu * momentum[i]) + (g / denominator);
                        self.value[i] -= learning_rate * momentum[i];
                    }
                }
            } else {
                self.value[i] -= (learning_rate * g) / denominator;
            }
        }
    }
}
