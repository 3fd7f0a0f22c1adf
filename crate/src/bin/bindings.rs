//! Writes the TypeScript side of the boundary from the definitions in this crate: `bindings <folder>`.
//!
//! Types and their documentation by ts-rs, values by `serde_json`. The functions of the boundary come from wasm-bindgen.

use rmsprop::config::{Descriptor, EpsilonMode, HYPERPARAMETERS, Hyperparameters, Kind, Limits, MomentumMode};
use rmsprop::half::GradientDtype;
use rmsprop::optimizer::Slot;
use rmsprop::status::Status;
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::path::Path;
use ts_rs::{Config, TS};

const HEADER: &str =
    "// Generated from the Rust definitions by crate/src/bin/bindings.rs. Do not edit: `npm run bindings`.\n";

/// `type` with its documentation, exported, without the file header ts-rs writes.
fn declaration<T: TS + 'static>(config: &Config) -> Result<String, Box<dyn std::error::Error>> {
    let text = T::export_to_string(config)?;
    let start = text.find("/**").or_else(|| text.find("export")).ok_or("ts-rs wrote no declaration")?;
    Ok(text[start..].trim().to_owned() + "\n")
}

fn constant(doc: &str, name: &str, type_: &str, value: &impl Serialize) -> serde_json::Result<String> {
    Ok(format!("/** {doc} */\nexport const {name}: {type_} = {};\n", serde_json::to_string_pretty(value)?))
}

fn alias(doc: &str, name: &str, type_: &str) -> String {
    format!("/** {doc} */\nexport type {name} = {type_};\n")
}

/// `weight_decay` → `weightDecay`
fn camel_case(name: &str) -> String {
    let mut words = name.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |name, word| {
        let (initial, rest) = word.split_at(1);
        name + &initial.to_uppercase() + rest
    })
}

fn row(descriptor: &Descriptor, defaults: &Map<String, Value>) -> serde_json::Result<Value> {
    let option = camel_case(descriptor.name);
    let mut limits = serde_json::to_value(descriptor.limits)?;
    if let Some(flag) = descriptor.limits.only_with {
        limits["onlyWith"] = json!(camel_case(flag));
    }
    Ok(json!({
        "choices": descriptor.choices,
        "default": defaults[&option],
        "key": descriptor.name,
        "kind": descriptor.kind,
        "limits": limits,
        "option": option,
    }))
}

fn hyperparameters(config: &Config) -> Result<String, Box<dyn std::error::Error>> {
    let defaults = serde_json::to_value(Hyperparameters::default())?;
    let defaults = defaults.as_object().ok_or("the defaults are no object")?;
    let rows = HYPERPARAMETERS.iter().map(|descriptor| row(descriptor, defaults)).collect::<Result<Vec<_>, _>>()?;
    let options = |which: fn(&Descriptor) -> bool| {
        let options =
            HYPERPARAMETERS.iter().filter(|row| which(row)).map(|row| json!(camel_case(row.name)).to_string());
        options.collect::<Vec<_>>().join(" | ")
    };
    Ok([
        HEADER.to_owned(),
        declaration::<Hyperparameters>(config)?,
        declaration::<EpsilonMode>(config)?,
        declaration::<MomentumMode>(config)?,
        declaration::<Kind>(config)?,
        declaration::<Limits>(config)?,
        alias(
            "Options of which at most one may be given.",
            "ClipOption",
            &options(|row| row.limits.exclusive_group == Some("clip")),
        ),
        alias(
            "Options that mean something only with `useEma`.",
            "EmaOption",
            &options(|row| row.limits.only_with == Some("use_ema")),
        ),
        alias("Options that Keras does not have.", "OwnOption", &options(|row| row.kind == Kind::Choice)),
        "/** A hyper-parameter: its name here, its key in the configuration, its default, its limits, its words. */\n\
         export interface Descriptor {\n  option: keyof Hyperparameters;\n  key: string;\n  kind: Kind;\n  \
         default: Hyperparameters[keyof Hyperparameters];\n  limits: Limits;\n  choices: readonly string[];\n}\n"
            .to_owned(),
        constant(
            "The hyper-parameters in the order of Keras' `get_config`, then our own; a row's place is its number at the boundary.",
            "HYPERPARAMETERS",
            "readonly Descriptor[]",
            &rows,
        )?,
    ]
    .join("\n"))
}

fn codes(config: &Config) -> Result<String, Box<dyn std::error::Error>> {
    Ok([
        HEADER.to_owned(),
        declaration::<Slot>(config)?,
        constant(
            "The slots in the order in which Keras lists an optimizer's variables; a slot's place is its number at the boundary.",
            "SLOTS",
            "readonly Slot[]",
            &Slot::ALL,
        )?,
        declaration::<GradientDtype>(config)?,
        constant(
            "The types of gradients by their numbers at the boundary.",
            "GRADIENT_DTYPES",
            "readonly GradientDtype[]",
            &GradientDtype::ALL,
        )?,
        declaration::<Status>(config)?,
        constant("The outcomes by their numbers at the boundary.", "STATUSES", "readonly Status[]", &Status::ALL)?,
    ]
    .join("\n"))
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::args().nth(1).ok_or("usage: bindings <folder>")?;
    let folder = Path::new(&folder);
    let config = Config::default();
    std::fs::create_dir_all(folder)?;
    std::fs::write(folder.join("hyperparameters.ts"), hyperparameters(&config)?)?;
    std::fs::write(folder.join("codes.ts"), codes(&config)?)?;
    Ok(())
}
