//! What a schedule is defined by: its parameters by Keras' names, in the order of Keras' `get_config`.
//!
//! The TypeScript classes with their options, their documentation and their validation are generated from these definitions
//! (`src/bin/bindings`), and so are the functions that the WebAssembly module exports.

/// How a parameter is written, and what it must satisfy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A finite number.
    Number,
    /// A finite number above 0.
    Positive,
    /// A finite number, or `null`, which is the default.
    OptionalNumber,
    /// A truth value; `false` is the default.
    Flag,
}

/// One parameter of a schedule.
#[derive(Clone, Copy, Debug)]
pub struct Parameter {
    /// Keras' name.
    pub name: &'static str,
    /// What it means, line by line.
    #[cfg(feature = "bindings")]
    pub documentation: &'static [&'static str],
    /// How it is written.
    pub kind: Kind,
    /// What it is if it is left out; `None` for a number that must be given.
    pub default: Option<f64>,
}

/// A schedule as its users see it.
#[derive(Clone, Copy, Debug)]
pub struct Definition {
    /// Keras' name of the class.
    pub class: &'static str,
    /// The function that the WebAssembly module exports.
    pub export: &'static str,
    /// Keras' default of `name`.
    pub name: &'static str,
    /// The parameter behind which Keras' configuration has the `name`; `None`: the last one.
    pub name_after: Option<&'static str>,
    /// What it computes, line by line.
    #[cfg(feature = "bindings")]
    pub documentation: &'static [&'static str],
    /// Its parameters.
    pub parameters: &'static [Parameter],
    /// The learning rate at a step, for these parameters: `NaN` for `null`, 0 and 1 for truth values.
    pub at: fn(step: f32, parameters: &[f64]) -> f32,
}

/// The Rust type of a parameter.
macro_rules! parameter_type {
    (Number) => { f64 };
    (Positive) => { f64 };
    (OptionalNumber) => { Option<f64> };
    (Flag) => { bool };
}

/// The default of a parameter, as its number.
macro_rules! parameter_default {
    (Number) => {
        None
    };
    (Number $default:literal) => {
        Some($default)
    };
    (Positive) => {
        None
    };
    (OptionalNumber) => {
        Some(f64::NAN)
    };
    (Flag) => {
        Some(0.0)
    };
}

/// Defines a schedule: a struct of its parameters, its [`Definition`], and the exported function. The formula is its method `at`.
macro_rules! schedule {
    (
        $(#[doc = $doc:literal])+
        $class:ident($export:ident), name: $name:literal $(after $name_after:ident)?;
        $( $(#[doc = $of:literal])+ $parameter:ident: $kind:ident $(= $default:literal)?; )+
    ) => {
        $(#[doc = $doc])+
        #[derive(Clone, Copy, Debug, PartialEq)]
        pub struct $class {
            $( $(#[doc = $of])+ pub $parameter: $crate::schedules::definition::parameter_type!($kind), )+
        }

        impl $class {
            /// Its parameters and names.
            pub const DEFINITION: $crate::schedules::Definition = $crate::schedules::Definition {
                class: stringify!($class),
                export: stringify!($export),
                name: $name,
                name_after: [$( Some(stringify!($name_after)), )? None][0],
                #[cfg(feature = "bindings")]
                documentation: &[$($doc),+],
                parameters: &[ $( $crate::schedules::Parameter {
                    name: stringify!($parameter),
                    #[cfg(feature = "bindings")]
                    documentation: &[$($of),+],
                    kind: $crate::schedules::Kind::$kind,
                    default: $crate::schedules::definition::parameter_default!($kind $($default)?),
                }, )+ ],
                at: |step, parameters| {
                    let &[$($parameter),+] = parameters else { return f32::NAN };
                    Self { $( $parameter: $crate::config::Value::from_number($parameter), )+ }.at(step)
                },
            };
        }

        #[cfg(target_arch = "wasm32")]
        #[doc = concat!("Keras' `", stringify!($class), "` at `step`: `NaN` for `null`, 0 and 1 for truth values.")]
        #[wasm_bindgen::prelude::wasm_bindgen]
        pub fn $export(step: f32, $($parameter: f64),+) -> f32 {
            $class { $( $parameter: $crate::config::Value::from_number($parameter), )+ }.at(step)
        }
    };
}

pub(super) use {parameter_default, parameter_type, schedule};
