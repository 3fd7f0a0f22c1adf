//! Learning-rate schedules from Keras' configurations, and their recorded rates.
//!
//! `PiecewiseConstantDecay` computes nothing and lives in TypeScript. There is one here for the runs that use it.

use crate::bits::{Bits, bits};
use crate::check::{Check, equal};
use crate::vectors::Config;
use rmsprop::schedules::{Kind, Parameter, SCHEDULES};
use serde::{Deserialize, de::IgnoredAny};
use serde_json::Value;

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
        if self.class_name == "PiecewiseConstantDecay" {
            return piecewise(self.numbers("boundaries"), self.numbers("values"));
        }
        let defined = SCHEDULES.iter().find(|schedule| schedule.class == self.class_name);
        let defined = defined.unwrap_or_else(|| panic!("unknown schedule {}", self.class_name));
        let parameters: Vec<f64> = defined.parameters.iter().map(|parameter| self.parameter(parameter)).collect();
        Box::new(move |step| (defined.at)(step, &parameters))
    }

    /// A parameter, as its number: Keras' configurations leave none out.
    fn parameter(&self, Parameter { name, kind, .. }: &Parameter) -> f64 {
        match (kind, &self.config[*name]) {
            (Kind::Flag, Value::Bool(flag)) => f64::from(u8::from(*flag)),
            (Kind::OptionalNumber, Value::Null) => f64::NAN,
            (_, Value::Number(number)) => number.as_f64().expect("a float64"),
            (_, value) => panic!("{} with {name} = {value}", self.class_name),
        }
    }

    fn numbers(&self, key: &str) -> Vec<f64> {
        let numbers = self.config[key].as_array().expect("a list").iter();
        numbers.map(|number| number.as_f64().expect("a number")).collect()
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
