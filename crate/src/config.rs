//! Hyper-parameters: their names, meanings, defaults and limits, each said once.
//!
//! The TypeScript option types, their documentation, the defaults, the run-time validation and the order of Keras'
//! `get_config` are generated from the table in this file (`src/bin/bindings`).

/// How a hyper-parameter's value is written, in Rust, in TypeScript and in JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "bindings", derive(serde::Serialize, ts_rs::TS))]
#[cfg_attr(feature = "bindings", serde(rename_all = "camelCase"))]
pub enum Kind {
    /// A truth value.
    Boolean,
    /// A finite number.
    Number,
    /// A finite number, or `null` for "off".
    OptionalNumber,
    /// A whole number, or `null` for "off".
    OptionalCount,
    /// One of the words in `choices`.
    Choice,
}

/// What a finite value must satisfy. Anything not ruled out here is accepted, as in Keras.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "bindings", derive(serde::Serialize, ts_rs::TS))]
#[cfg_attr(feature = "bindings", serde(rename_all = "camelCase"))]
pub struct Limits {
    /// Smallest accepted value.
    pub minimum: Option<f64>,
    /// Largest accepted value.
    pub maximum: Option<f64>,
    /// Zero means "off" and is accepted whatever `minimum` says.
    pub zero_is_off: bool,
    /// The limits hold only while this flag is set: Keras does not look at EMA options unless `use_ema` is.
    pub only_with: Option<&'static str>,
    /// At most one hyper-parameter of a group may be given.
    pub exclusive_group: Option<&'static str>,
}

const ANY: Limits = Limits { minimum: None, maximum: None, zero_is_off: false, only_with: None, exclusive_group: None };
const CLIP: Limits = Limits { exclusive_group: Some("clip"), ..ANY };
const EMA_MOMENTUM: Limits = Limits { minimum: Some(0.0), maximum: Some(1.0), only_with: Some("use_ema"), ..ANY };
const EMA_FREQUENCY: Limits = Limits { minimum: Some(1.0), zero_is_off: true, only_with: Some("use_ema"), ..ANY };
const ACCUMULATION: Limits = Limits { minimum: Some(2.0), zero_is_off: true, ..ANY };
/// Not in Keras, so what would be infinite in float32 need not be accepted.
const MEAN_SQUARE: Limits = Limits { minimum: Some(0.0), maximum: Some(f32::MAX as f64), ..ANY };

/// An argument of Keras' RMSprop.
const KERAS: bool = false;
/// Keras does not have it: a configuration holds it only if it is not at its default, so that Keras refuses to compute something
/// else.
const OWN: bool = true;

/// One row of the table: a hyper-parameter as its users see it.
#[derive(Clone, Copy, Debug)]
pub struct Descriptor {
    /// Its name, as Keras writes names.
    pub name: &'static str,
    /// Whether Keras does not have it.
    pub is_own: bool,
    /// What it means, line by line.
    #[cfg(feature = "bindings")]
    pub documentation: &'static [&'static str],
    /// How its value is written.
    pub kind: Kind,
    /// What its value must satisfy.
    pub limits: Limits,
    /// The words of a [`Kind::Choice`], each at the index that is its number at the boundary; empty for other kinds.
    pub choices: &'static [&'static str],
}

/// A value that crosses the boundary as one float64: `NaN` stands for "off", 0 and 1 for truth values, and a choice is the
/// index of its word.
pub(crate) trait Value: Copy {
    const CHOICES: &'static [&'static str] = &[];
    fn from_number(number: f64) -> Self;
}

impl Value for f64 {
    fn from_number(number: f64) -> Self {
        number
    }
}

impl Value for bool {
    fn from_number(number: f64) -> Self {
        number != 0.0
    }
}

impl Value for Option<f64> {
    fn from_number(number: f64) -> Self {
        (!number.is_nan()).then_some(number)
    }
}

macro_rules! choice {
    ($(#[doc = $doc:literal])+ $name:ident: $( $(#[doc = $of_word:literal])+ $word:literal $variant:ident, )+) => {
        $(#[doc = $doc])+
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[cfg_attr(feature = "bindings", derive(serde::Serialize, ts_rs::TS))]
        pub enum $name {
            $( $(#[doc = $of_word])+ #[cfg_attr(feature = "bindings", serde(rename = $word))] $variant, )+
        }

        impl Value for $name {
            const CHOICES: &'static [&'static str] = &[ $( $word, )+ ];
            fn from_number(number: f64) -> Self {
                let choices = [ $( Self::$variant, )+ ];
                choices[number.clamp(0.0, (choices.len() - 1) as f64) as usize]
            }
        }
    };
}

choice! {
    /// Where ε is added to the denominator.
    EpsilonMode:
    /// Under the root, as in Keras: `√(v + ε)`.
    "inside" Inside,
    /// To the root, as in PyTorch: `√v + ε`.
    "outside" Outside,
}

choice! {
    /// Where the learning rate meets the momentum buffer.
    MomentumMode:
    /// In the buffer: `m ← μ·m + η·g/d`, `w ← w - m`.
    "keras" Keras,
    /// Behind the buffer, as in PyTorch: `m ← μ·m + g/d`, `w ← w - η·m`.
    "torch" Torch,
}

choice! {
    /// What weight decay changes.
    WeightDecayMode:
    /// The values, as in Keras: `w ← w - (w·λ)·η`.
    "decoupled" Decoupled,
    /// The gradients, as in PyTorch: `g ← g + w·λ`.
    "coupled" Coupled,
}

macro_rules! hyperparameters {
    ($( $(#[doc = $doc:literal])+ $name:ident: $type:ty = $default:expr, $kind:ident, $limits:expr, $is_own:expr; )+) => {
        /// The hyper-parameters of `keras.optimizers.RMSprop`, in the order of Keras' `get_config`, and those that Keras
        /// does not have. Their texts are those of the TypeScript options: `null` is `None` here, `weightDecay` is
        /// `weight_decay`.
        #[derive(Clone, Debug, PartialEq)]
        #[cfg_attr(feature = "bindings", derive(serde::Serialize))]
        #[cfg_attr(feature = "bindings", serde(rename_all = "camelCase"))]
        pub struct Hyperparameters {
            $( $(#[doc = $doc])+ #[doc = ""] #[doc = concat!("Default: `", stringify!($default), "`.")] pub $name: $type, )+
        }

        impl Default for Hyperparameters {
            fn default() -> Self {
                Self { $( $name: $default, )+ }
            }
        }

        /// The table of hyper-parameters; a row's index is its number at the boundary.
        pub const HYPERPARAMETERS: &[Descriptor] = &[
            $( Descriptor {
                name: stringify!($name),
                is_own: $is_own,
                #[cfg(feature = "bindings")]
                documentation: &[$($doc),+],
                kind: Kind::$kind,
                limits: $limits,
                choices: <$type as Value>::CHOICES,
            }, )+
        ];

        impl Hyperparameters {
            /// Sets the hyper-parameter in row `index` of [`HYPERPARAMETERS`] from its number at the boundary;
            /// `false` if there is no such row.
            pub fn set(&mut self, index: usize, number: f64) -> bool {
                let mut row = 0;
                $(
                    if index == row {
                        self.$name = Value::from_number(number);
                        return true;
                    }
                    row += 1;
                )+
                let _ = row;
                false
            }
        }
    };
}

hyperparameters! {
    /// λ, the weight decay: before the update, `w -= w * weightDecay * learningRate`. `weightDecayMode` has another formula.
    /// `null` turns it off.
    /// ```ts
    /// new RMSprop({ weightDecay: 0.004 }).weightDecay; // 0.004
    /// ```
    weight_decay: Option<f64> = None, OptionalNumber, ANY, KERAS;
    /// Each variable's gradient is scaled so that its L2 norm is at most this. `null`, 0 or a negative number: off.
    /// ```ts
    /// new RMSprop({ clipnorm: 1 }).clipnorm; // 1
    /// ```
    clipnorm: Option<f64> = None, OptionalNumber, CLIP, KERAS;
    /// All gradients are scaled together so that their joint L2 norm is at most this. `null`, 0 or a negative
    /// number: off.
    /// ```ts
    /// new RMSprop({ globalClipnorm: 1 }).globalClipnorm; // 1
    /// ```
    global_clipnorm: Option<f64> = None, OptionalNumber, CLIP, KERAS;
    /// Each gradient element is cut to `[-clipvalue, clipvalue]`. `null`, 0 or a negative number: off.
    /// ```ts
    /// new RMSprop({ clipvalue: 0.5 }).clipvalue; // 0.5
    /// ```
    clipvalue: Option<f64> = None, OptionalNumber, CLIP, KERAS;
    /// Keep an exponential moving average of the variables' values.
    /// ```ts
    /// new RMSprop({ useEma: true }).useEma; // true
    /// ```
    use_ema: bool = false, Boolean, ANY, KERAS;
    /// Decay of the moving average, in [0, 1]: `average = emaMomentum * average + (1 - emaMomentum) * value`.
    /// ```ts
    /// new RMSprop({ useEma: true, emaMomentum: 0.999 }).emaMomentum; // 0.999
    /// ```
    ema_momentum: f64 = 0.99, Number, EMA_MOMENTUM, KERAS;
    /// Number of iterations between two overwrites of the variables with their averages. `null` or 0: only
    /// `finalizeVariableValues` overwrites.
    /// ```ts
    /// new RMSprop({ useEma: true, emaOverwriteFrequency: 100 }).emaOverwriteFrequency; // 100
    /// ```
    ema_overwrite_frequency: Option<f64> = None, OptionalCount, EMA_FREQUENCY, KERAS;
    /// Static loss scale: gradients are divided by it before anything else. `null` turns it off.
    /// ```ts
    /// new RMSprop({ lossScaleFactor: 1024 }).lossScaleFactor; // 1024
    /// ```
    loss_scale_factor: Option<f64> = None, OptionalNumber, ANY, KERAS;
    /// Number of calls, at least 2, whose gradients are averaged into one update. `null` or 0: every call updates.
    /// ```ts
    /// new RMSprop({ gradientAccumulationSteps: 4 }).gradientAccumulationSteps; // 4
    /// ```
    gradient_accumulation_steps: Option<f64> = None, OptionalCount, ACCUMULATION, KERAS;
    /// ρ, the decay of the moving average of squared gradients.
    /// ```ts
    /// new RMSprop({ rho: 0.99 }).rho; // 0.99
    /// ```
    rho: f64 = 0.9, Number, ANY, KERAS;
    /// μ, the momentum of the increments. 0 or a negative number: off.
    /// ```ts
    /// new RMSprop({ momentum: 0.9 }).momentum; // 0.9
    /// ```
    momentum: f64 = 0.0, Number, ANY, KERAS;
    /// ε, added to the denominator for numerical stability: see `epsilonMode`.
    /// ```ts
    /// new RMSprop({ epsilon: 1e-8 }).epsilon; // 1e-8
    /// ```
    epsilon: f64 = 1e-7, Number, ANY, KERAS;
    /// Divide by an estimate of the gradient's standard deviation instead of its root mean square.
    /// ```ts
    /// new RMSprop({ centered: true }).centered; // true
    /// ```
    centered: bool = false, Boolean, ANY, KERAS;
    /// Where ε is added: `"inside"` the root, `g / √(v + ε)`, or `"outside"`, `g / (√v + ε)`, as in PyTorch. Keras does not
    /// have this option: a configuration holds it only if it is `"outside"`, and Keras refuses that.
    /// ```ts
    /// new RMSprop({ epsilonMode: "outside" }).epsilonMode; // "outside"
    /// ```
    epsilon_mode: EpsilonMode = EpsilonMode::Inside, Choice, ANY, OWN;
    /// `"keras"`: the momentum buffer sums increments, which have the learning rate in them; `"torch"`: normalized gradients,
    /// and the rate is applied to the sum, as in PyTorch. It matters when the rate changes. Chosen before `build`, if there is
    /// momentum. Keras does not have this option, as `epsilonMode`.
    /// ```ts
    /// new RMSprop({ momentum: 0.9, momentumMode: "torch" }).momentumMode; // "torch"
    /// ```
    momentum_mode: MomentumMode = MomentumMode::Keras, Choice, ANY, OWN;
    /// `"decoupled"`: weight decay changes the values, as in Keras; `"coupled"`: the gradients, `g += weightDecay * w`, the L2
    /// penalty of PyTorch. That is added after clipping, and a `weightDecay` of 0 is off too. Keras does not have this option, as
    /// `epsilonMode`.
    /// ```ts
    /// new RMSprop({ weightDecay: 0.01, weightDecayMode: "coupled" }).weightDecayMode; // "coupled"
    /// ```
    weight_decay_mode: WeightDecayMode = WeightDecayMode::Decoupled, Choice, ANY, OWN;
    /// Go up the gradients instead of down: each is negated first. Keras does not have this option, as `epsilonMode`.
    /// ```ts
    /// new RMSprop({ maximize: true }).maximize; // true
    /// ```
    maximize: bool = false, Boolean, ANY, OWN;
    /// What the moving average of squared gradients begins with. State is made in `build` and `add`. With 1, as in
    /// TensorFlow 1 and timm, the first steps are about `learningRate * g`. Keras does not have this option, as `epsilonMode`.
    /// ```ts
    /// new RMSprop({ initialVelocity: 1 }).initialVelocity; // 1
    /// ```
    initial_velocity: f64 = 0.0, Number, MEAN_SQUARE, OWN;
}

/// A count, at most 2³¹-1. Clamped before it is converted: from 2³² on, WebAssembly saturates, and its translation to
/// JavaScript gives 0.
fn count(number: f64) -> u32 {
    number.min(f64::from(i32::MAX)) as u32
}

impl Hyperparameters {
    /// Calls per update: 1 unless gradients are accumulated.
    pub fn steps_per_update(&self) -> u32 {
        self.gradient_accumulation_steps.filter(|&steps| steps >= 2.0).map_or(1, count)
    }

    /// Iterations between two overwrites of the variables by their averages; `None` if that never happens.
    pub fn overwrite_frequency(&self) -> Option<u32> {
        self.ema_overwrite_frequency.filter(|&frequency| self.use_ema && frequency >= 1.0).map(count)
    }

    /// Whether increments carry momentum: Keras takes 0 and negative numbers as "no".
    pub fn has_momentum(&self) -> bool {
        self.momentum > 0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_set_by_numbers() {
        let set = |hyperparameters: &mut Hyperparameters, numbers: [f64; 5]| {
            let names = ["weight_decay", "use_ema", "rho", "epsilon_mode", "momentum_mode"];
            for (name, number) in names.into_iter().zip(numbers) {
                let row = HYPERPARAMETERS.iter().position(|row| row.name == name).unwrap();
                assert!(hyperparameters.set(row, number));
            }
        };
        let mut hyperparameters = Hyperparameters::default();
        set(&mut hyperparameters, [0.25, 1.0, 0.5, 1.0, 1.0]);
        let expected = Hyperparameters {
            weight_decay: Some(0.25),
            use_ema: true,
            rho: 0.5,
            epsilon_mode: EpsilonMode::Outside,
            momentum_mode: MomentumMode::Torch,
            ..Hyperparameters::default()
        };
        assert_eq!(hyperparameters, expected);
        set(&mut hyperparameters, [f64::NAN, 0.0, 0.9, 0.0, 0.0]);
        assert_eq!(hyperparameters, Hyperparameters::default());
        assert!(!hyperparameters.set(HYPERPARAMETERS.len(), 0.0));
    }

    #[test]
    fn choices_have_words_and_a_default_that_is_the_first() {
        for (row, descriptor) in HYPERPARAMETERS.iter().enumerate() {
            assert_eq!(descriptor.kind == Kind::Choice, !descriptor.choices.is_empty());
            let mut first = Hyperparameters::default();
            if descriptor.kind == Kind::Choice {
                first.set(row, 0.0);
            }
            assert_eq!(first, Hyperparameters::default());
        }
    }

    #[test]
    fn hostile_counts_and_choices_are_clamped() {
        let mut hyperparameters = Hyperparameters { use_ema: true, ..Hyperparameters::default() };
        for number in [f64::INFINITY, 1e300, 4_294_967_296.0, 4_294_967_295.0] {
            hyperparameters.gradient_accumulation_steps = Some(number);
            hyperparameters.ema_overwrite_frequency = Some(number);
            assert_eq!(hyperparameters.steps_per_update(), 2_147_483_647);
            assert_eq!(hyperparameters.overwrite_frequency(), Some(2_147_483_647));
            assert_eq!(EpsilonMode::from_number(number), EpsilonMode::Outside);
        }
        for number in [f64::NAN, f64::NEG_INFINITY, -1.0] {
            assert_eq!(EpsilonMode::from_number(number), EpsilonMode::Inside);
        }
    }
}
