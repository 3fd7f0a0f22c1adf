//! Norm clipping in isolation, and with it the sum of squares.

use crate::bits::{Bits, crc};
use crate::check::{Check, equal};
use crate::generator::{Generator, Position};
use rmsprop::{Handle, Hyperparameters, Optimizer, Slot, Variable, Variables};
use serde::{Deserialize, de::IgnoredAny};

/// One gradient, its sum of squares, and what clipping makes of it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    pub size: usize,
    grad: Generator,
    sum_of_squares_pairwise_f32: Bits,
    /// Of another way to sum, for comparison.
    #[serde(rename = "sum_of_squares_f64_rounded")]
    _sum_of_squares_f64_rounded: IgnoredAny,
    #[serde(rename = "clipnorm_0.75_crc32")]
    clipnorm: Bits,
    #[serde(rename = "global_clipnorm_0.75_split_at")]
    split_at: usize,
    #[serde(rename = "global_clipnorm_0.75_crc32")]
    global_clipnorm: Bits,
}

const THRESHOLD: f64 = 0.75;

impl Case {
    pub fn replay(&self) -> Check {
        let position = Position { step: 0, total: self.size, offset: 0 };
        let gradient = self.grad.generate(position, &vec![0.0; self.size]);
        let (left, right) = gradient.split_at(self.split_at);

        // NumPy's own sum makes NumPy's clipped gradient, by Keras' formula; the optimizer must find the same.
        let norm = f32::from_bits(self.sum_of_squares_pairwise_f32.0).sqrt();
        let threshold = THRESHOLD as f32;
        let expected: Vec<f32> = gradient.iter().map(|g| (g * threshold) / norm.max(threshold)).collect();
        equal("clipnorm by the formula", crc([&expected[..]]), self.clipnorm)?;

        let clipnorm = Hyperparameters { clipnorm: Some(THRESHOLD), ..Hyperparameters::default() };
        equal("clipnorm", clipped(&clipnorm, &[&gradient]), self.clipnorm)?;

        let global_clipnorm = Hyperparameters { global_clipnorm: Some(THRESHOLD), ..Hyperparameters::default() };
        equal("global_clipnorm", clipped(&global_clipnorm, &[left, right]), self.global_clipnorm)
    }
}

/// With ρ = 0 the average gradient is 0·0 + 1·g: the clipped gradient itself, but for -0, which no case has.
fn clipped(hyperparameters: &Hyperparameters, gradients: &[&[f32]]) -> Bits {
    let hyperparameters = Hyperparameters { rho: 0.0, centered: true, ..hyperparameters.clone() };
    let mut variables = Variables::new();
    let handles: Vec<Handle> = gradients
        .iter()
        .map(|gradient| {
            let mut variable = Variable::zeroed(gradient.len()).unwrap();
            variable.gradient_mut().copy_from_slice(gradient);
            variables.insert(variable).unwrap()
        })
        .collect();
    let mut optimizer = Optimizer::build(hyperparameters, &handles, &variables).unwrap();
    optimizer.step(&mut variables, 0.1).unwrap();
    crc((0..gradients.len()).map(|i| optimizer.slot(Slot::AverageGradient, i).unwrap()))
}
