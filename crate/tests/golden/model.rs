//! What a case trains: variables, optimizer, loss scale and learning rate, made from its description.

use crate::bits::{decode, decode_words};
use crate::generator::Position;
use crate::schedules::{Schedule, Serialized};
use crate::vectors::{Case, Config, Constraint};
use rmsprop::config::{HYPERPARAMETERS, Kind};
use rmsprop::{Handle, Hyperparameters, LossScale, Optimizer, Override, Slot, Variable, Variables};
use serde::Deserialize;
use serde_json::Value;

/// The number at the boundary that stands for a configuration's value.
fn number(kind: Kind, value: &Value) -> f64 {
    match value {
        Value::Null if matches!(kind, Kind::OptionalNumber | Kind::OptionalCount) => f64::NAN,
        Value::Bool(flag) if kind == Kind::Boolean => f64::from(u8::from(*flag)),
        Value::Number(number) if kind != Kind::Boolean => number.as_f64().expect("a float64"),
        value => panic!("{value} as {kind:?}"),
    }
}

/// Hyper-parameters by Keras' names, through the crate's own table.
pub fn hyperparameters(config: &Config) -> Hyperparameters {
    let mut hyperparameters = Hyperparameters::default();
    for (key, value) in config {
        if key == "name" || key == "learning_rate" {
            continue;
        }
        let row = HYPERPARAMETERS.iter().position(|row| row.name == key);
        let row = row.unwrap_or_else(|| panic!("no hyper-parameter {key}"));
        hyperparameters.set(row, number(HYPERPARAMETERS[row].kind, value));
    }
    hyperparameters
}

/// Where learning rates come from.
pub enum Rate {
    Constant(f32),
    Computed(Schedule),
}

impl Rate {
    fn new(config: &Config) -> Self {
        match config.get("learning_rate") {
            None => Self::Constant(0.001),
            Some(Value::Number(rate)) => Self::Constant(rate.as_f64().expect("a float64") as f32),
            Some(rate) => {
                let serialized = Serialized::deserialize(rate).expect("a schedule");
                Self::Computed(serialized.schedule())
            }
        }
    }

    /// The rate of the call after `raw_iterations` calls.
    pub fn at(&self, raw_iterations: u32) -> f32 {
        match self {
            Self::Constant(rate) => *rate,
            Self::Computed(schedule) => schedule(raw_iterations as f32),
        }
    }
}

/// What an optimizer saves.
pub enum Entry {
    Iteration,
    LearningRate,
    Slot(Slot, usize),
}

/// What a case trains.
pub struct Model {
    pub variables: Variables,
    pub handles: Vec<Handle>,
    pub optimizer: Optimizer,
    pub loss_scale: Option<LossScale>,
    pub rate: Rate,
}

impl Model {
    pub fn new(case: &Case) -> Self {
        let mut variables = Variables::new();
        let insert = |(i, mut variable): (usize, Variable)| {
            let spec = &case.variables[i];
            let value = match &spec.init_b64 {
                Some(base64) => decode(base64),
                None => case.init.generate(position(case, i, 0), variable.value()),
            };
            variable.value_mut().copy_from_slice(&value);
            if spec.overwrite_with_gradient {
                variable = variable.overwritten_with_gradient();
            }
            variables.insert(variable).expect("memory")
        };
        let zeros = case.variables.iter().map(|spec| Variable::zeroed(spec.size()).expect("memory"));
        let handles: Vec<Handle> = zeros.enumerate().map(insert).collect();

        let mut optimizer = Optimizer::build(hyperparameters(&case.config), &handles, &variables).expect("build");
        for (i, spec) in case.variables.iter().enumerate() {
            let excluded = case.exclude_from_weight_decay.iter().any(|pattern| is_found(pattern, &spec.name));
            assert!(optimizer.set_override(i, Override { decays: !excluded, ..Override::NONE }));
        }
        // Keras' scale has no bounds.
        let loss_scale = case.loss_scale.as_ref().map(|options| {
            let (initial, growth) = (options.initial_scale, options.dynamic_growth_steps);
            LossScale::new(initial as f32, growth, 0.0, f32::INFINITY)
        });
        Self { variables, handles, optimizer, loss_scale, rate: Rate::new(&case.config) }
    }

    pub fn variable(&self, i: usize) -> &Variable {
        self.variables.get(self.handles[i]).expect("the variable")
    }

    pub fn variable_mut(&mut self, i: usize) -> &mut Variable {
        self.variables.get_mut(self.handles[i]).expect("the variable")
    }

    /// The values of variable number `i`, or its state; `None` if the slot is not kept for it.
    pub fn array(&self, name_of_slot: &str, i: usize) -> Option<&[f32]> {
        if name_of_slot == "variable" {
            return Some(self.variable(i).value());
        }
        let slot = Slot::ALL.into_iter().find(|slot| slot.name() == name_of_slot);
        let slot = slot.unwrap_or_else(|| panic!("no slot {name_of_slot}"));
        self.optimizer.slot(slot, i)
    }

    /// Applies a constraint, as the TypeScript wrapper does, to a variable that had a gradient.
    pub fn constrain(&mut self, i: usize, constraint: Constraint) {
        match constraint {
            Constraint::NonNeg => {
                for w in self.variable_mut(i).value_mut() {
                    *w = if *w > 0.0 || w.is_nan() { *w } else { 0.0 };
                }
            }
        }
    }

    /// What the optimizer saves, in Keras' order, with its path.
    pub fn entries(&self, case: &Case) -> Vec<(String, Entry)> {
        let optimizer = case.config["name"].as_str().expect("a name");
        let mut entries = vec![(format!("{optimizer}/iteration"), Entry::Iteration)];
        if matches!(self.rate, Rate::Constant(_)) {
            entries.push((format!("{optimizer}/learning_rate"), Entry::LearningRate));
        }
        for slot in Slot::ALL {
            for (i, spec) in case.variables.iter().enumerate() {
                if self.optimizer.slot(slot, i).is_some() {
                    let variable = spec.path.replace('/', "_");
                    let path = format!("{optimizer}/{variable}_{}", slot.name());
                    entries.push((path, Entry::Slot(slot, i)));
                }
            }
        }
        entries
    }

    /// Sets one entry to what Keras saved.
    pub fn load(&mut self, entry: &Entry, base64: &str) {
        match *entry {
            Entry::Iteration => self.optimizer.set_raw_iterations(decode_words(base64)[0]),
            Entry::LearningRate => self.rate = Rate::Constant(decode(base64)[0]),
            Entry::Slot(slot, i) => {
                let array = self.optimizer.slot_mut(slot, i).expect("the slot");
                array.copy_from_slice(&decode(base64));
            }
        }
    }
}

/// Where variable number `i` is in the generators' sequences.
pub fn position(case: &Case, i: usize, step: usize) -> Position {
    let size = |specs: &[_]| specs.iter().map(crate::vectors::VariableSpec::size).sum();
    Position { step, total: size(&case.variables), offset: size(&case.variables[..i]) }
}

/// Searches for a regular expression; the vectors have no more in them than letters, slashes and anchors.
fn is_found(pattern: &str, name: &str) -> bool {
    let start = pattern.strip_prefix('^');
    let end = pattern.strip_suffix('$');
    let letters = start.or(end).unwrap_or(pattern);
    assert!(
        letters.chars().all(|c| c.is_ascii_lowercase() || c == '/'),
        "a pattern this test does not know: {pattern}"
    );
    match (start, end) {
        (Some(start), _) => name.starts_with(start),
        (_, Some(end)) => name.ends_with(end),
        _ => name.contains(pattern),
    }
}
