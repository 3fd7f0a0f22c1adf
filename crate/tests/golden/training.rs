//! Replays one training run, plain or under a loss scale.

use crate::bits::{Bits, bits, crc, decode, decode_words};
use crate::cancellation::Cancellation;
use crate::check::{Check, equal, equal_bits};
use crate::model::{Entry, Model, hyperparameters, position};
use crate::vectors::{Case, Config, Encoding, Slots, VariableSpec};
use rmsprop::Call;
use serde_json::Value;

/// Slots in the order of their names, as they are hashed.
const SORTED: [&str; 6] = ["average", "average_gradient", "gradient_accumulator", "momentum", "variable", "velocity"];

/// All that was recorded of a case is as we have it, also when training stops and goes on from what Keras saved.
pub fn replay(case: &Case) -> Check {
    let mut training = Training::new(case);
    training.check_identity()?;
    let Some(save_at) = case.save_at else {
        training.run(0..case.steps)?;
        return training.check_end();
    };
    training.run(0..save_at)?;
    training.check_store()?;
    let mut resumed = training.resumed();
    training.run(save_at..case.steps)?;
    training.check_end()?;
    resumed
        .run(save_at..case.steps)
        .and_then(|()| resumed.check_end())
        .map_err(|what| format!("resumed from the store: {what}"))
}

struct Training<'a> {
    case: &'a Case,
    model: Model,
    cancellation: Cancellation,
}

impl<'a> Training<'a> {
    fn new(case: &'a Case) -> Self {
        let sizes = case.variables.iter().map(VariableSpec::size);
        Self { case, model: Model::new(case), cancellation: Cancellation::new(&case.id, sizes) }
    }

    /// What is known before the first step: names, hyper-parameters, the loss scale.
    fn check_identity(&self) -> Check {
        let entries = self.model.entries(self.case);
        let paths: Vec<&str> = entries.iter().map(|(path, _)| path.as_str()).collect();
        let recorded = self.case.optimizer_variable_paths.iter();
        let of_inner = recorded.filter(|path| !path.starts_with("lso/"));
        equal("paths", paths, of_inner.map(String::as_str).collect())?;

        let hyperparameters = hyperparameters(inner_config(&self.case.get_config));
        let ours = self.model.optimizer.hyperparameters();
        equal("get_config", ours, &hyperparameters)?;
        self.check_scaled_loss("before the first step", self.case.scale_loss_unbuilt_of_3)
    }

    fn run(&mut self, steps: std::ops::Range<usize>) -> Check {
        for step in steps {
            self.step(step).map_err(|what| format!("apply {}: {what}", step + 1))?;
        }
        Ok(())
    }

    fn step(&mut self, step: usize) -> Check {
        let selected = self.put_gradients(step);
        let learning_rate = self.model.rate.at(self.model.optimizer.raw_iterations());
        if let Some(rates) = &self.case.lr_bits {
            equal("learning rate", bits(learning_rate), rates[step])?;
        }
        for (position, &i) in selected.iter().enumerate() {
            assert!(self.model.optimizer.select(position, i));
        }
        let call = Call {
            learning_rate,
            loss_scale: None,
            selected: (selected.len() < self.case.variables.len()).then_some(selected.len()),
        };
        let Model { optimizer, variables, loss_scale, .. } = &mut self.model;
        if let Some(loss_scale) = loss_scale {
            optimizer.apply_scaled(variables, loss_scale, call).expect("all variables");
        } else {
            optimizer.apply(variables, call).expect("all variables");
        }
        for i in selected {
            if let Some(constraint) = self.case.variables[i].constraint {
                self.model.constrain(i, constraint);
            }
        }
        self.cancellation.observe(&self.model.optimizer)?;
        self.check_trace(step)?;
        self.check_checkpoint(step + 1)
    }

    /// Sets the gradients of a step and tells which variables have one.
    fn put_gradients(&mut self, step: usize) -> Vec<usize> {
        let case = self.case;
        let all = 0..case.variables.len();
        let selected: Vec<usize> = all.filter(|&i| !case.grad_none.contains(&(step, i))).collect();
        for &i in &selected {
            let current = self.model.variable(i).value();
            let mut gradient = case.grad.generate(position(case, i, step), current);
            if let (true, Some(loss_scale)) = (case.times_scale, &self.model.loss_scale) {
                for g in &mut gradient {
                    *g *= loss_scale.scale;
                }
            }
            for &(at, variable, element, bits) in &case.inject {
                if (at, variable) == (step, i) {
                    gradient[element] = f32::from_bits(bits);
                }
            }
            self.model.variable_mut(i).gradient_mut().copy_from_slice(&gradient);
        }
        selected
    }

    // --- what must be equal after a step ---

    /// The arrays of a slot, as Keras has them; `None` where it keeps none.
    fn slot(&self, name: &str) -> Result<Vec<Option<Vec<f32>>>, String> {
        let variables = 0..self.case.variables.len();
        variables
            .map(|i| match self.model.array(name, i) {
                Some(ours) if name == "variable" => self.cancellation.of_keras(i, ours).map(Some),
                ours => Ok(ours.map(<[f32]>::to_vec)),
            })
            .collect()
    }

    fn crc(&self, slots: &[&str]) -> Result<Bits, String> {
        let mut arrays = Vec::new();
        for name in slots {
            arrays.extend(self.slot(name)?.into_iter().flatten());
        }
        Ok(crc(arrays.iter().map(Vec::as_slice)))
    }

    fn check_trace(&self, step: usize) -> Check {
        let (model, state) = (self.crc(&["variable"])?, self.crc(&SORTED)?);
        let Some(loss_scale) = &self.model.loss_scale else {
            equal("model", model, self.case.trace_crc32[step])?;
            return equal("state", state, self.case.state_crc32[step]);
        };
        let (scale, counter, raw_iterations, expected_model, expected_state) = self.case.trace[step];
        equal("dynamic scale", bits(loss_scale.scale), scale)?;
        equal("step counter", loss_scale.counter, counter)?;
        let ours = self.model.optimizer.raw_iterations();
        equal("raw iterations", ours, raw_iterations)?;
        equal("model", model, expected_model)?;
        equal("state", state, expected_state)
    }

    fn check_checkpoint(&self, applies: usize) -> Check {
        let mut here = self.case.checkpoints.iter().filter(|at| at.after_applies == applies);
        here.try_for_each(|checkpoint| {
            let optimizer = &self.model.optimizer;
            let ours = (optimizer.raw_iterations(), optimizer.iterations());
            let expected = (checkpoint.raw_iterations, checkpoint.iterations);
            equal("iterations", ours, expected)?;
            self.check_slots(checkpoint.encoding, &checkpoint.slots)
        })
    }

    fn check_slots(&self, encoding: Encoding, slots: &Slots) -> Check {
        for name in SORTED {
            let ours = self.slot(name)?;
            let none = vec![None; ours.len()];
            let expected = slots.get(name).unwrap_or(&none);
            equal(format_args!("number of {name}"), ours.len(), expected.len())?;
            for (i, (ours, expected)) in ours.iter().zip(expected).enumerate() {
                let what = format!("{name} of variable {i}");
                let (Some(ours), Some(expected)) = (ours, expected) else {
                    equal(format_args!("{what} is kept"), ours.is_some(), expected.is_some())?;
                    continue;
                };
                match encoding {
                    Encoding::B64f32 => equal_bits(what, ours, &decode(expected))?,
                    Encoding::Crc32 => {
                        let expected = u32::from_str_radix(expected, 16).expect("a CRC");
                        equal(what, crc([&ours[..]]), Bits(expected))?;
                    }
                }
            }
        }
        Ok(())
    }

    fn check_end(&mut self) -> Check {
        self.cancellation.check_end()?;
        if let Some(slots) = &self.case.r#final {
            self.check_slots(Encoding::B64f32, slots)?;
        }
        self.check_scaled_loss("at the end", self.case.scale_loss_of_3_after)?;
        if let Some(finalized) = self.case.finalized_crc32 {
            let Model { optimizer, variables, .. } = &mut self.model;
            optimizer.finalize(variables).expect("all variables");
            equal("finalized", self.crc(&["variable"])?, finalized)?;
        }
        Ok(())
    }

    fn check_scaled_loss(&self, when: &str, expected: Option<Bits>) -> Check {
        let ours = self.model.loss_scale.as_ref().map(|loss_scale| bits(3.0 * loss_scale.scale));
        equal(format_args!("scaled loss {when}"), ours, expected)
    }

    // --- stopping and going on ---

    /// What we would save now is what Keras saved.
    fn check_store(&self) -> Check {
        let store = self.case.store.as_ref().expect("a store");
        let entries = self.model.entries(self.case);
        equal("number of saved arrays", entries.len(), store.len())?;
        for (key, (path, entry)) in entries.iter().enumerate() {
            let saved = &store[&key.to_string()];
            equal("saved path", path, &saved.path)?;
            match *entry {
                Entry::Iteration => {
                    let ours = vec![self.model.optimizer.raw_iterations()];
                    equal(path, ours, decode_words(&saved.b64))?;
                }
                Entry::LearningRate => {
                    equal_bits(path, &[self.model.rate.at(0)], &decode(&saved.b64))?;
                }
                Entry::Slot(slot, i) => {
                    let ours = self.model.optimizer.slot(slot, i).expect("the slot");
                    equal_bits(path, ours, &decode(&saved.b64))?;
                }
            }
        }
        Ok(())
    }

    /// A fresh optimizer that goes on from Keras' store with the variables as they are now.
    fn resumed(&self) -> Self {
        let mut resumed = Self::new(self.case);
        for i in 0..self.case.variables.len() {
            let value = self.model.variable(i).value();
            resumed.model.variable_mut(i).value_mut().copy_from_slice(value);
        }
        let store = self.case.store.as_ref().expect("a store");
        for (key, (_, entry)) in resumed.model.entries(self.case).iter().enumerate() {
            resumed.model.load(entry, &store[&key.to_string()].b64);
        }
        resumed
    }
}

/// The configuration of `RMSprop` itself, also if it is inside that of a `LossScaleOptimizer`.
fn inner_config(config: &Config) -> &Config {
    config.get("inner_optimizer").and_then(|inner| inner.get("config")).and_then(Value::as_object).unwrap_or(config)
}
