//! The format of the vectors (`test/golden/README.md`) as types. A field that is not here is an error.

use crate::bits::Bits;
use crate::generator::Generator;
use serde::{Deserialize, de::DeserializeOwned, de::IgnoredAny};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

pub type Config = Map<String, Value>;

/// A file of vectors.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File<Case> {
    pub meta: Meta,
    /// The steps of all schedules.
    #[serde(default)]
    pub steps: Vec<i32>,
    pub cases: Vec<Case>,
}

#[derive(Deserialize)]
pub struct Meta {
    pub generator_self_check: SelfCheck,
}

#[derive(Deserialize)]
pub struct SelfCheck {
    pub seed: u32,
    pub draws_k0_to_k7: Vec<Bits>,
}

/// Reads `test/golden/{name}.json`.
pub fn load<Case: DeserializeOwned>(name: &str) -> File<Case> {
    let path = format!("{}/../test/golden/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// One training run, plain or under a loss scale.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    pub id: String,
    #[serde(rename = "note")]
    _note: Option<IgnoredAny>,
    pub config: Config,
    pub get_config: Config,
    pub variables: Vec<VariableSpec>,
    pub init: Generator,
    pub grad: Generator,
    pub steps: usize,
    /// Step and variable without a gradient.
    #[serde(default)]
    pub grad_none: Vec<(usize, usize)>,
    #[serde(default)]
    pub exclude_from_weight_decay: Vec<String>,
    pub optimizer_variable_paths: Vec<String>,

    #[serde(default)]
    pub trace_crc32: Vec<Bits>,
    #[serde(default)]
    pub state_crc32: Vec<Bits>,
    #[serde(default)]
    pub checkpoints: Vec<Checkpoint>,
    pub lr_bits: Option<Vec<Bits>>,
    /// Says that another libm may round differently; ours must not.
    #[serde(rename = "lr_inexact")]
    _lr_inexact: Option<IgnoredAny>,
    pub save_at: Option<usize>,
    pub store: Option<BTreeMap<String, Stored>>,
    pub finalized_crc32: Option<Bits>,

    pub loss_scale: Option<LossScaleOptions>,
    #[serde(default)]
    pub times_scale: bool,
    /// Step, variable, element and the bits to put there.
    #[serde(default)]
    pub inject: Vec<(usize, usize, usize, u32)>,
    /// Scale, counter, raw iterations, CRC of the model and of the state.
    #[serde(default)]
    pub trace: Vec<(Bits, i32, u32, Bits, Bits)>,
    pub r#final: Option<Slots>,
    pub scale_loss_unbuilt_of_3: Option<Bits>,
    pub scale_loss_of_3_after: Option<Bits>,
    /// Of the outer optimizer, which the crate does not have.
    #[serde(rename = "own_iteration_after")]
    _own_iteration_after: Option<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VariableSpec {
    pub name: String,
    pub path: String,
    shape: Vec<usize>,
    #[serde(default)]
    pub overwrite_with_gradient: bool,
    pub constraint: Option<Constraint>,
    pub init_b64: Option<String>,
}

impl VariableSpec {
    pub fn size(&self) -> usize {
        self.shape.iter().product()
    }
}

#[derive(Clone, Copy, Deserialize)]
pub enum Constraint {
    NonNeg,
}

/// By slot name, one array per variable in base64 or as a CRC; `None` where Keras keeps no slot for it.
pub type Slots = BTreeMap<String, Vec<Option<String>>>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Checkpoint {
    pub after_applies: usize,
    pub raw_iterations: u32,
    pub iterations: u32,
    pub encoding: Encoding,
    pub slots: Slots,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Encoding {
    B64f32,
    Crc32,
}

/// One of the optimizer's variables, as Keras saves it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stored {
    pub path: String,
    #[serde(rename = "dtype")]
    _dtype: IgnoredAny,
    #[serde(rename = "shape")]
    _shape: IgnoredAny,
    pub b64: String,
}

/// Arguments of `LossScaleOptimizer`, with its defaults.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LossScaleOptions {
    pub initial_scale: f64,
    pub dynamic_growth_steps: i32,
}

impl Default for LossScaleOptions {
    fn default() -> Self {
        Self { initial_scale: 32768.0, dynamic_growth_steps: 2000 }
    }
}
