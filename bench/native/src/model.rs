//! An optimizer over several tensors.

use crate::data::{Regime, value};
use crate::protocol::Contestant;
use rmsprop::config::HYPERPARAMETERS;
use rmsprop::{Handle, Hyperparameters, Optimizer, Slot, Variable, Variables};

pub struct Model {
    variables: Variables,
    handles: Vec<Handle>,
    optimizer: Optimizer,
}

const LEARNING_RATE: f32 = 0.001;

fn hyperparameters(options: &[&str]) -> Option<Hyperparameters> {
    let mut hyperparameters = Hyperparameters::default();
    for option in options {
        let (name, number) = option.split_once('=')?;
        let row = HYPERPARAMETERS.iter().position(|row| row.name == name)?;
        hyperparameters.set(row, number.parse().ok()?);
    }
    Some(hyperparameters)
}

fn fill(array: &mut [f32], first: u32, number: impl Fn(u32) -> f32) {
    for (element, i) in array.iter_mut().zip(first..) {
        *element = number(i);
    }
}

impl Model {
    pub fn new(sizes: &[usize], regime: Regime, options: &[&str]) -> Option<Self> {
        let mut variables = Variables::new();
        let mut handles = Vec::new();
        for &size in sizes {
            handles.push(variables.insert(Variable::zeroed(size).ok()?).ok()?);
        }
        let mut optimizer = Optimizer::build(hyperparameters(options)?, &handles, &variables).ok()?;
        let mut first = 0;
        for (index, &handle) in handles.iter().enumerate() {
            let variable = variables.get_mut(handle)?;
            fill(variable.value_mut(), first, value);
            fill(variable.gradient_mut(), first, |i| regime.gradient(i));
            for slot in [Slot::Velocity, Slot::Momentum, Slot::AverageGradient] {
                if let Some(state) = optimizer.slot_mut(slot, index) {
                    fill(state, first, |i| regime.state(i));
                }
            }
            if let Some(average) = optimizer.slot_mut(Slot::Average, index) {
                fill(average, first, value);
            }
            first += sizes[index] as u32;
        }
        Some(Self { variables, handles, optimizer })
    }
}

impl Contestant for Model {
    fn step(&mut self) {
        // Variables are never removed here, which is what could fail.
        let _ = self.optimizer.step(&mut self.variables, LEARNING_RATE);
    }

    fn values(&self) -> Vec<f32> {
        self.handles
            .iter()
            .filter_map(|&handle| self.variables.get(handle))
            .flat_map(Variable::value)
            .copied()
            .collect()
    }
}
