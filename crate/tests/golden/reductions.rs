//! Sums of squares and norm clipping in isolation.

use crate::bits::{Bits, bits, crc};
use crate::check::{Check, equal};
use crate::generator::{Generator, Position};
use rmsprop::{Call, Clip, Handle, Hyperparameters, Optimizer, Slot, Variable, Variables};
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

        let clipnorm = Hyperparameters { clipnorm: Some(THRESHOLD), ..Hyperparameters::default() };
        let whole = clip(&clipnorm, &[&gradient]);
        equal("sum of squares", bits(whole.sums_of_squares[0]), self.sum_of_squares_pairwise_f32)?;
        let rule = Clip::by_norm(THRESHOLD, whole.sums_of_squares[0]);
        equal("clip::by_norm", clipped(rule, &gradient), self.clipnorm)?;
        equal("clipnorm", whole.clipped, self.clipnorm)?;

        let global_clipnorm = Hyperparameters { global_clipnorm: Some(THRESHOLD), ..Hyperparameters::default() };
        let halves = clip(&global_clipnorm, &[left, right]);
        let rule = Clip::by_global_norm(THRESHOLD, &halves.sums_of_squares);
        equal("clip::by_global_norm", clipped(rule, &gradient), self.global_clipnorm)?;
        equal("global_clipnorm", halves.clipped, self.global_clipnorm)
    }
}

/// CRC of what the rule, by its own description, makes of the gradient.
fn clipped(rule: Clip, gradient: &[f32]) -> Bits {
    let clipped: Vec<f32> = match rule {
        Clip::Norm { threshold, divisor } => gradient.iter().map(|g| (g * threshold) / divisor).collect(),
        Clip::Factor(factor) => gradient.iter().map(|g| g * factor).collect(),
        rule => panic!("{rule:?} is not clipping by norm"),
    };
    crc([&clipped[..]])
}

/// What an optimizer makes of gradients.
struct Clipped {
    sums_of_squares: Vec<f32>,
    clipped: Bits,
}

/// With ρ = 0 the average gradient is 0·0 + 1·g: the clipped gradient itself, but for -0, which no case has.
fn clip(hyperparameters: &Hyperparameters, gradients: &[&[f32]]) -> Clipped {
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
    let call = Call { learning_rate: 0.1, loss_scale: None, selected: None };
    optimizer.prepare(&variables, call).unwrap();
    let sums_of_squares = optimizer.sums_of_squares().to_vec();
    optimizer.commit(&mut variables, call).unwrap();
    let slots = (0..gradients.len()).map(|i| optimizer.slot(Slot::AverageGradient, i).unwrap());
    Clipped { sums_of_squares, clipped: crc(slots) }
}
