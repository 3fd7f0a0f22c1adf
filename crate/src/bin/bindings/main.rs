//! Writes the TypeScript side of the boundary, and the table of options for readers, from the definitions in this crate:
//! `bindings <folder>`, the project's.
//!
//! Types and their documentation by ts-rs, values by `serde_json`. What has a member for each hyper-parameter is written from
//! their table, which has their defaults too. The functions of the boundary come from wasm-bindgen.

mod options_page;
mod schedules;

use rmsprop::config::{
    Descriptor, EpsilonMode, HYPERPARAMETERS, Hyperparameters, Kind, Limits, MomentumMode, WeightDecayMode,
};
use rmsprop::status::Status;
use rmsprop::{GradientDtype, LastStep, Outcome, Slot};
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::path::Path;
use ts_rs::{Config, TS};

const HEADER: &str =
    "// Generated from the Rust definitions by crate/src/bin/bindings. Do not edit: `npm run bindings`.\n";

/// `type` with its documentation, exported, without the file header ts-rs writes.
fn declaration<T: TS + 'static>(config: &Config) -> Result<String, Box<dyn std::error::Error>> {
    let text = T::export_to_string(config)?;
    let start = text.find("/**").or_else(|| text.find("export")).ok_or("ts-rs wrote no declaration")?;
    Ok(text[start..].trim().to_owned() + "\n")
}

fn constant(doc: &str, name: &str, type_: &str, value: &impl Serialize) -> serde_json::Result<String> {
    Ok(format!("/** {doc} */\nexport const {name}: {type_} = {};\n", serde_json::to_string_pretty(value)?))
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

/// `epsilon_mode` → `EpsilonMode`
fn pascal_case(name: &str) -> String {
    name.split('_').map(|word| word[..1].to_uppercase() + &word[1..]).collect()
}

/// The type of a hyper-parameter's value.
fn value_type(descriptor: &Descriptor) -> String {
    match descriptor.kind {
        Kind::Boolean => "boolean".to_owned(),
        Kind::Number => "number".to_owned(),
        Kind::OptionalNumber | Kind::OptionalCount => "number | null".to_owned(),
        Kind::Choice => pascal_case(descriptor.name),
    }
}

/// A hyper-parameter's default, as JavaScript writes it.
fn default_of(descriptor: &Descriptor, defaults: &Map<String, Value>) -> String {
    let default = defaults[&camel_case(descriptor.name)].to_string();
    default.strip_suffix(".0").unwrap_or(&default).to_owned()
}

/// The lines that say what a hyper-parameter means, and those of its example.
fn documentation(descriptor: &Descriptor) -> (&[&'static str], &[&'static str]) {
    let lines = descriptor.documentation;
    lines.split_at(lines.iter().position(|line| line.trim() == "```ts").unwrap_or(lines.len()))
}

/// The comment above a key of a configuration: what the hyper-parameter means and is by default.
fn key_comment(descriptor: &Descriptor, defaults: &Map<String, Value>) -> Vec<String> {
    let default = format!(" Default {}.", default_of(descriptor, defaults));
    documentation(descriptor).0.iter().map(|&line| line.to_owned()).chain([default]).collect()
}

/// The comment above an option: the same with the example.
fn option_comment(descriptor: &Descriptor, defaults: &Map<String, Value>) -> Vec<String> {
    let example = documentation(descriptor).1.iter().map(|&line| line.to_owned());
    key_comment(descriptor, defaults).into_iter().chain([String::new()]).chain(example).collect()
}

/// The comment above a property, which can be set.
fn property_comment(descriptor: &Descriptor, defaults: &Map<String, Value>) -> Vec<String> {
    let throws = [
        " @throws {TypeError | RangeError | StateError} if set to a value that is not as documented, or that needs state that",
        " was not built.",
    ];
    let lines = option_comment(descriptor, defaults).into_iter();
    lines.chain([String::new()]).chain(throws.map(str::to_owned)).collect()
}

/// All hyper-parameters as members: the comment of each, and what `member` makes of its index and row.
fn members(
    defaults: &Map<String, Value>,
    comment: fn(&Descriptor, &Map<String, Value>) -> Vec<String>,
    member: fn(usize, &Descriptor) -> String,
) -> String {
    let texts = HYPERPARAMETERS.iter().enumerate().map(|(index, row)| {
        let lines = comment(row, defaults).iter().map(|line| format!("   *{line}\n")).collect::<Vec<_>>().concat();
        format!("  /**\n{lines}   */\n  {}\n", member(index, row))
    });
    texts.collect::<Vec<_>>().concat()
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
        "isOwn": descriptor.is_own,
        "key": descriptor.name,
        "kind": descriptor.kind,
        "limits": limits,
        "option": option,
    }))
}

fn hyperparameters(config: &Config, defaults: &Map<String, Value>) -> Result<String, Box<dyn std::error::Error>> {
    let rows = HYPERPARAMETERS.iter().map(|descriptor| row(descriptor, defaults)).collect::<Result<Vec<_>, _>>()?;
    Ok([
        HEADER.to_owned(),
        format!(
            "/** The hyper-parameters of `keras.optimizers.RMSprop`, in the order of Keras' `get_config`, and those that Keras does \
             not have. */\nexport type Hyperparameters = {{\n{}}};\n",
            members(defaults, option_comment, |_, row| format!("{}: {};", camel_case(row.name), value_type(row)))
        ),
        format!(
            "/** The hyper-parameters in Keras' configuration. Those that Keras does not have are there only if they are not at \
             their defaults. */\nexport type HyperparameterConfig = {{\n{}}};\n",
            members(defaults, key_comment, |_, row| {
                let optional = if row.is_own { "?" } else { "" };
                format!("readonly {}{optional}: {};", row.name, value_type(row))
            })
        ),
        declaration::<EpsilonMode>(config)?,
        declaration::<MomentumMode>(config)?,
        declaration::<WeightDecayMode>(config)?,
        declaration::<Kind>(config)?,
        declaration::<Limits>(config)?,
        "/** A hyper-parameter: its name here, its key in the configuration, whether Keras does not have it, its default, its \
         limits, its words. */\n\
         export interface Descriptor {\n  option: keyof Hyperparameters;\n  key: string;\n  isOwn: boolean;\n  kind: Kind;\n  \
         default: Hyperparameters[keyof Hyperparameters];\n  limits: Limits;\n  choices: readonly string[];\n}\n"
            .to_owned(),
        constant(
            "The hyper-parameters in the order of Keras' `get_config`, then our own; a row's index is its number at the boundary.",
            "HYPERPARAMETERS",
            "readonly Descriptor[]",
            &rows,
        )?,
    ]
    .join("\n"))
}

/// A class, not a type: what are accessors at run time must be accessors to TypeScript, or a subclass could declare a property
/// of that name, which nothing would look at.
fn tunable_optimizer(defaults: &Map<String, Value>) -> String {
    let accessors = members(defaults, property_comment, |index, row| {
        let (option, type_) = (camel_case(row.name), value_type(row));
        format!(
            "get {option}(): {type_} {{\n    return this[STATE].hyperparameters.{option};\n  }}\n  /** @ignore */\n  \
             set {option}(value: {type_}) {{\n    this[STATE].set({index}, value);\n  }}\n"
        )
    });
    let words = HYPERPARAMETERS.iter().filter(|row| row.kind == Kind::Choice).map(value_type).collect::<Vec<_>>();
    format!(
        "{HEADER}import type {{ {} }} from \"../../generated/hyperparameters.js\";\n\
         import {{ STATE }} from \"../../support/internal.js\";\n\
         import {{ Optimizer }} from \"../base-optimizer.js\";\n\n\
         /** An optimizer whose hyper-parameters can be read and set. (A type: there is nothing to construct.) */\n\
         export abstract class TunableOptimizer extends Optimizer {{\n{}}}\n",
        words.join(", "),
        accessors.trim_end().to_owned() + "\n"
    )
}

fn codes(config: &Config) -> Result<String, Box<dyn std::error::Error>> {
    let defaults = Hyperparameters::default();
    let kept_by = Slot::ALL.map(|slot| {
        let condition = slot.kept_by(&defaults);
        json!(condition.map(|(name, _, above)| json!({ "option": camel_case(name), "above": above })))
    });
    let begins_at = Slot::ALL.map(|slot| json!(slot.begins_at(&defaults).map(|(name, _)| camel_case(name))));
    let last_step: Map<_, _> =
        LastStep::OFFSETS.map(|(name, offset)| (camel_case(name), json!(offset))).into_iter().collect();
    Ok([
        format!("{HEADER}import type {{ Hyperparameters }} from \"./hyperparameters.js\";\n"),
        declaration::<Slot>(config)?,
        constant(
            "The slots in the order in which Keras lists an optimizer's variables; a slot's index is its number at the boundary.",
            "SLOTS",
            "readonly Slot[]",
            &Slot::ALL,
        )?,
        constant(
            "By a slot's index: the option that keeps it, if its number is above this; `null`: always kept.",
            "KEPT_BY",
            "readonly ({ option: keyof Hyperparameters; above: number } | null)[]",
            &kept_by,
        )?,
        constant(
            "By a slot's index: the option whose number it begins with; `null`: 0.",
            "BEGINS_AT",
            "readonly (keyof Hyperparameters | null)[]",
            &begins_at,
        )?,
        declaration::<GradientDtype>(config)?,
        constant(
            "The types of gradients by their numbers at the boundary.",
            "GRADIENT_DTYPES",
            "readonly GradientDtype[]",
            &GradientDtype::ALL,
        )?,
        declaration::<Outcome>(config)?,
        constant("What a call did, by its number at the boundary.", "OUTCOMES", "readonly Outcome[]", &Outcome::ALL)?,
        constant(
            "The index of each number about the last call in the array of them.",
            "LAST_STEP",
            &format!("Readonly<Record<{}, number>>", last_step.keys().map(|name| format!("{name:?}")).collect::<Vec<_>>().join(" | ")),
            &last_step,
        )?,
        declaration::<Status>(config)?,
        constant("The outcomes by their numbers at the boundary.", "STATUSES", "readonly Status[]", &Status::ALL)?,
    ]
    .join("\n"))
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::args().nth(1).ok_or("usage: bindings <folder>")?;
    let root = Path::new(&folder);
    let config = Config::default();
    let defaults = serde_json::to_value(Hyperparameters::default())?;
    let defaults = defaults.as_object().ok_or("the defaults are no object")?;
    let page = "docs/options.md";
    let files = [
        ("ts/generated/hyperparameters.ts", hyperparameters(&config, defaults)?),
        ("ts/generated/codes.ts", codes(&config)?),
        ("ts/optimizers/generated/tunable-optimizer.ts", tunable_optimizer(defaults)),
        ("ts/schedules/generated/classes.ts", schedules::classes()),
        ("ts/schedules/generated/by-name.ts", schedules::by_name()),
        (page, options_page::with_rows(&std::fs::read_to_string(root.join(page))?, defaults)?),
    ];
    for (name, text) in files {
        let path = root.join(name);
        std::fs::create_dir_all(path.parent().ok_or("a file without a folder")?)?;
        std::fs::write(path, text)?;
    }
    Ok(())
}
