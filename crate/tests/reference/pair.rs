//! The crate's optimizer and the model side by side.

use crate::half::{narrowed, widened};
use crate::model;
use crate::scenario::{Scenario, Step};
use proptest::test_runner::TestCaseError;
use rmsprop::{Call, GradientDtype, Handle, LossScale, Optimizer, Slot, Variable, Variables};

/// Both, in the same state.
pub struct Pair {
    pub variables: Variables,
    pub handles: Vec<Handle>,
    pub dtypes: Vec<GradientDtype>,
    pub optimizer: Optimizer,
    pub model: model::Model,
    /// Of the crate and of the model.
    pub loss_scale: Option<(LossScale, model::LossScale)>,
}

impl Pair {
    pub fn new(scenario: &Scenario) -> Self {
        let mut variables = Variables::new();
        let mut handles = Vec::new();
        let mut models = Vec::new();
        for spec in &scenario.variables {
            let value = spec.value.array(spec.size);
            let mut variable = Variable::zeroed_with(spec.size, spec.gradient).unwrap();
            variable.value_mut().copy_from_slice(&value);
            if spec.overwrite_with_gradient {
                variable = variable.overwritten_with_gradient();
            }
            handles.push(variables.insert(variable).unwrap());
            models.push(model::Variable::new(value, spec.overwrite_with_gradient, spec.overrides));
        }
        let hyperparameters = &scenario.hyperparameters;
        let mut optimizer = Optimizer::build(hyperparameters.clone(), &handles, &variables).unwrap();
        for (i, spec) in scenario.variables.iter().enumerate() {
            assert!(optimizer.set_override(i, spec.overrides));
        }
        let loss_scale = scenario.loss_scale.as_ref().map(|scale| {
            let model = model::LossScale {
                scale: scale.initial,
                counter: 0,
                growth_steps: scale.growth_steps,
                minimum: scale.minimum,
                maximum: scale.maximum,
            };
            let crates = LossScale::new(scale.initial, scale.growth_steps, scale.minimum, scale.maximum);
            (crates, model)
        });
        let mut pair = Self {
            variables,
            handles,
            dtypes: scenario.variables.iter().map(|spec| spec.gradient).collect(),
            optimizer,
            model: model::Model::new(hyperparameters.clone(), models),
            loss_scale,
        };
        pair.resume(scenario);
        pair
    }

    /// Puts both where the scenario starts.
    fn resume(&mut self, scenario: &Scenario) {
        let Some((raw_iterations, fill)) = scenario.resumed else {
            return;
        };
        self.optimizer.set_raw_iterations(raw_iterations);
        self.model.raw_iterations = raw_iterations;
        for (i, variable) in self.model.variables.iter_mut().enumerate() {
            for slot in Slot::ALL {
                if let Some(array) = variable.slot(slot) {
                    *array = fill.array(array.len());
                    let ours = self.optimizer.slot_mut(slot, i).unwrap();
                    ours.copy_from_slice(array);
                }
            }
        }
    }

    /// One step of both.
    pub fn step(&mut self, step: &Step) -> Result<(), TestCaseError> {
        if let Some(changed) = &step.changed {
            // Without accumulators, accumulation cannot be switched on.
            let built = self.optimizer.slot(Slot::GradientAccumulator, 0).is_some();
            self.model.hyperparameters = changed.clone();
            if !built {
                self.model.hyperparameters.gradient_accumulation_steps = None;
            }
            *self.optimizer.hyperparameters_mut() = self.model.hyperparameters.clone();
        }
        if let Some((i, overrides)) = step.overrides.filter(|&(i, _)| i < self.handles.len()) {
            assert!(self.optimizer.set_override(i, overrides));
            self.model.set_override(i, overrides);
        }
        for (i, variable) in self.model.variables.iter_mut().enumerate() {
            variable.gradient = step.gradients[i].array(variable.value.len());
            let ours = self.variables.get_mut(self.handles[i]).unwrap();
            if self.dtypes[i] == GradientDtype::Float32 {
                ours.gradient_mut().copy_from_slice(&variable.gradient);
                continue;
            }
            let halves: Vec<u16> = variable.gradient.iter().map(|&g| narrowed(self.dtypes[i], g)).collect();
            ours.half_gradient_mut().copy_from_slice(&halves);
            variable.gradient = widened(self.dtypes[i], &halves);
        }

        let count = self.handles.len();
        let order = step.order.as_ref();
        let mut order: Option<Vec<usize>> = order.map(|order| order.iter().copied().filter(|&i| i < count).collect());
        if self.loss_scale.is_none() && order.as_ref().is_some_and(Vec::is_empty) {
            // Without gradients, Keras does not get as far as a step.
            order = None;
        }
        for (position, &i) in order.iter().flatten().enumerate() {
            assert!(self.optimizer.select(position, i));
        }
        let call = Call { learning_rate: step.learning_rate, loss_scale: None, selected: order.as_ref().map(Vec::len) };
        let all = (0..count).collect();
        let order = order.unwrap_or(all);
        if let Some((ours, model)) = &mut self.loss_scale {
            let finite = self.optimizer.apply_scaled(&mut self.variables, ours, call);
            let expected = self.model.apply_scaled(&order, step.learning_rate, model);
            equal("finite", finite, Ok(expected))?;
        } else {
            self.optimizer.apply(&mut self.variables, call).unwrap();
            self.model.apply(&order, step.learning_rate, None);
        }
        self.check()
    }

    /// Both are equal in every bit.
    pub fn check(&mut self) -> Result<(), TestCaseError> {
        for (i, variable) in self.model.variables.iter_mut().enumerate() {
            let ours = self.variables.get(self.handles[i]).unwrap();
            equal_bits(&format!("value {i}"), Some(ours.value()), Some(&variable.value))?;
            let half = widened(self.dtypes[i], ours.half_gradient());
            let gradient = if self.dtypes[i] == GradientDtype::Float32 { ours.gradient() } else { &half };
            equal_bits(&format!("gradient {i}"), Some(gradient), Some(&variable.gradient))?;
            for slot in Slot::ALL {
                let ours = self.optimizer.slot(slot, i);
                equal_bits(&format!("{slot:?} {i}"), ours, variable.slot(slot).as_deref())?;
            }
        }
        let raw_iterations = self.optimizer.raw_iterations();
        equal("raw iterations", raw_iterations, self.model.raw_iterations)?;
        let iterations = self.optimizer.iterations();
        equal("iterations", iterations, self.model.iterations())?;
        if let Some((ours, model)) = &self.loss_scale {
            let scale = ours.scale.to_bits();
            equal("loss scale", scale, model.scale.to_bits())?;
            equal("loss scale counter", ours.counter, model.counter)?;
        }
        Ok(())
    }
}

#[expect(clippy::needless_pass_by_value, reason = "calls are easier to read")]
fn equal<T: PartialEq + std::fmt::Debug>(what: &str, ours: T, model: T) -> Result<(), TestCaseError> {
    if ours == model { Ok(()) } else { Err(TestCaseError::fail(format!("{what}: {ours:?}, the model has {model:?}"))) }
}

fn equal_bits(what: &str, ours: Option<&[f32]>, model: Option<&[f32]>) -> Result<(), TestCaseError> {
    let length = |array: Option<&[f32]>| array.map(<[f32]>::len);
    equal(what, length(ours), length(model))?;
    let (ours, model) = (ours.unwrap_or(&[]), model.unwrap_or(&[]));
    let same = |x: f32, y: f32| x.to_bits() == y.to_bits() || (x.is_nan() && y.is_nan());
    let different = ours.iter().zip(model).position(|(&x, &y)| !same(x, y));
    different.map_or(Ok(()), |i| {
        let bits = |x: f32| format!("{x:e} = {:08x}", x.to_bits());
        equal(&format!("{what}, element {i}"), bits(ours[i]), bits(model[i]))
    })
}
