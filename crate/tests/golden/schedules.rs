//! Learning-rate schedules from Keras' configurations, and their recorded rates.
//!
//! `PiecewiseConstantDecay` computes nothing and lives in TypeScript. There is one here for the runs that use it.

use crate::bits::{Bits, bits};
use crate::check::{Check, equal};
use crate::vectors::Config;
use rmsprop::schedules::{CosineDecay, CosineDecayRestarts, ExponentialDecay, InverseTimeDecay, PolynomialDecay};
use serde::{Deserialize, de::IgnoredAny};

/// A serialized schedule, as in a configuration.
#[derive(Deserialize)]
pub struct Serialized {
    class_name: String,
    config: Config,
}

/// A learning rate as a function of the step.
pub type Schedule = Box<dyn Fn(f32) -> f32>;

impl Serialized {
    /// The schedule.
    pub fn schedule(&self) -> Schedule {
        let optional = |key: &str| self.config.get(key).and_then(serde_json::Value::as_f64);
        let number = |key: &str| optional(key).unwrap_or_else(|| panic!("{} without {key}", self.class_name));
        let flag = |key: &str| {
            let flag = self.config.get(key).and_then(serde_json::Value::as_bool);
            flag.unwrap_or_else(|| panic!("{} without {key}", self.class_name))
        };
        let list = |key: &str| -> Vec<f64> {
            let numbers = self.config[key].as_array().expect("a list").iter();
            numbers.map(|number| number.as_f64().expect("a number")).collect()
        };
        match self.class_name.as_str() {
            "ExponentialDecay" => {
                let schedule = ExponentialDecay {
                    initial_learning_rate: number("initial_learning_rate"),
                    decay_steps: number("decay_steps"),
                    decay_rate: number("decay_rate"),
                    staircase: flag("staircase"),
                };
                Box::new(move |step| schedule.at(step))
            }
            "InverseTimeDecay" => {
                let schedule = InverseTimeDecay {
                    initial_learning_rate: number("initial_learning_rate"),
                    decay_steps: number("decay_steps"),
                    decay_rate: number("decay_rate"),
                    staircase: flag("staircase"),
                };
                Box::new(move |step| schedule.at(step))
            }
            "PolynomialDecay" => {
                let schedule = PolynomialDecay {
                    initial_learning_rate: number("initial_learning_rate"),
                    decay_steps: number("decay_steps"),
                    end_learning_rate: number("end_learning_rate"),
                    power: number("power"),
                    cycle: flag("cycle"),
                };
                Box::new(move |step| schedule.at(step))
            }
            "CosineDecay" => {
                let schedule = CosineDecay {
                    initial_learning_rate: number("initial_learning_rate"),
                    decay_steps: number("decay_steps"),
                    alpha: number("alpha"),
                    warmup_target: optional("warmup_target"),
                    warmup_steps: number("warmup_steps"),
                };
                Box::new(move |step| schedule.at(step))
            }
            "CosineDecayRestarts" => {
                let schedule = CosineDecayRestarts {
                    initial_learning_rate: number("initial_learning_rate"),
                    first_decay_steps: number("first_decay_steps"),
                    t_mul: number("t_mul"),
                    m_mul: number("m_mul"),
                    alpha: number("alpha"),
                };
                Box::new(move |step| schedule.at(step))
            }
            "PiecewiseConstantDecay" => piecewise(list("boundaries"), list("values")),
            name => panic!("unknown schedule {name}"),
        }
    }
}

/// The value of the first boundary that is not before the step, or the last value.
fn piecewise(boundaries: Vec<f64>, values: Vec<f64>) -> Schedule {
    Box::new(move |step| {
        let passed = |&boundary: &f64| step > boundary.trunc() as f32;
        let at = boundaries.iter().take_while(|boundary| passed(boundary)).count();
        values[at] as f32
    })
}

/// One schedule and its rates at the steps of the file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    #[serde(rename = "class_name")]
    _class_name: IgnoredAny,
    config: Config,
    serialized: Serialized,
    lr_bits: Vec<Bits>,
    spec_differs: Vec<Difference>,
}

/// A rate at which Keras' own `pow`, `cos` or `log` was not rounded as the specification says.
#[derive(Deserialize)]
struct Difference {
    index: usize,
    spec_bits: Bits,
}

impl Case {
    /// What to call the case in a message.
    pub fn id(&self) -> String {
        let config = serde_json::to_string(&self.config).expect("a configuration");
        format!("{}({config})", self.serialized.class_name)
    }

    /// The rates are those of the specification.
    pub fn replay(&self, steps: &[i32]) -> Check {
        let schedule = self.serialized.schedule();
        let mut expected = self.lr_bits.clone();
        for difference in &self.spec_differs {
            expected[difference.index] = difference.spec_bits;
        }
        equal("number of rates", expected.len(), steps.len())?;
        for (&step, &expected) in steps.iter().zip(&expected) {
            let rate = schedule(step as f32);
            equal(format_args!("rate at step {step}"), bits(rate), expected)?;
        }
        Ok(())
    }
}
