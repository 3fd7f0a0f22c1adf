//! Random training runs: hyper-parameters in all combinations, sizes around every limit of the code, and numbers from
//! subnormal to `NaN`.

use super::testing::{hyperparameters, number};
use proptest::prelude::*;
use rmsprop::{GradientDtype, Hyperparameters, Override};

/// The most variables of a scenario.
pub const VARIABLES: usize = 6;

/// One training run.
#[derive(Clone, Debug)]
pub struct Scenario {
    pub hyperparameters: Hyperparameters,
    pub variables: Vec<VariableSpec>,
    /// Number of calls that count as made before the first, and the state they left; `None`: 0, and zeros.
    pub resumed: Option<(u32, Fill)>,
    pub loss_scale: Option<Scale>,
    pub steps: Vec<Step>,
}

#[derive(Clone, Debug)]
pub struct VariableSpec {
    pub size: usize,
    pub value: Fill,
    pub gradient: GradientDtype,
    pub overwrite_with_gradient: bool,
    pub overrides: Override,
}

#[derive(Clone, Debug)]
pub struct Scale {
    pub initial: f32,
    pub growth_steps: i32,
    pub minimum: f32,
    pub maximum: f32,
}

#[derive(Clone, Debug)]
pub struct Step {
    pub learning_rate: f32,
    /// For each variable.
    pub gradients: [Fill; VARIABLES],
    /// Which variables have gradients, and in which order; numbers that are too large are left out. `None`: all.
    pub order: Option<Vec<usize>>,
    /// Hyper-parameters that change before this step, but for those that decide what state there is.
    pub changed: Option<Hyperparameters>,
    /// The overrides of a variable from this step on, if there is a variable of this number.
    pub overrides: Option<(usize, Override)>,
}

/// How to fill an array.
#[derive(Clone, Copy, Debug)]
pub struct Fill {
    pub kind: Numbers,
    pub seed: u64,
}

#[derive(Clone, Copy, Debug)]
pub enum Numbers {
    /// In [-1, 1).
    Plain,
    /// In [1, 2), the same at every seed: gradients for which `centered` cancels.
    Constant,
    /// Mostly +0.
    Sparse,
    /// ±0
    Zeros,
    /// Of any exponent.
    Wide,
    /// Subnormal, or a little above.
    Tiny,
    /// Whose squares are subnormal, or a little above or below.
    Small,
    /// Whose squares are near overflow or beyond.
    Huge,
    /// Different sizes side by side, but all finite.
    Mixed,
    /// One of everything, infinities and `NaN` included.
    Special,
}

fn mix(seed: u64, i: u64) -> u64 {
    let z = seed.wrapping_add((i + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

impl Fill {
    pub fn array(self, len: usize) -> Vec<f32> {
        let seed = if matches!(self.kind, Numbers::Constant) { 1 } else { self.seed };
        (0..len as u64).map(|i| self.kind.number(mix(seed, i))).collect()
    }
}

impl Numbers {
    fn number(self, random: u64) -> f32 {
        let sign = (random as u32) & 0x8000_0000;
        let fraction = (random as u32) & 0x007f_ffff;
        let choice = random >> 40;
        let with = |exponent: u64| f32::from_bits(sign | ((exponent as u32) << 23) | fraction);
        match self {
            Self::Plain => (random >> 40) as f32 / 8_388_608.0 - 1.0,
            Self::Constant => f32::from_bits(0x3f80_0000 | fraction),
            Self::Sparse if choice.is_multiple_of(4) => Self::Plain.number(mix(random, 0)),
            Self::Sparse => 0.0,
            Self::Zeros => f32::from_bits(sign),
            Self::Wide => with(choice % 255),
            Self::Tiny => with(choice % 4 * (choice % 16)),
            Self::Small => with(48 + choice % 24),
            Self::Huge => with(180 + choice % 75),
            Self::Mixed => match choice % 16 {
                0 => Self::Tiny.number(mix(random, 0)),
                1 => Self::Small.number(mix(random, 0)),
                2 => Self::Wide.number(mix(random, 0)),
                3 => Self::Zeros.number(random),
                _ => Self::Plain.number(mix(random, 0)),
            },
            Self::Special => match choice % 16 {
                0 => f32::INFINITY,
                1 => f32::NEG_INFINITY,
                2 => f32::NAN,
                3 | 4 => Self::Zeros.number(random),
                5 | 6 => Self::Tiny.number(mix(random, 0)),
                7 | 8 => Self::Huge.number(mix(random, 0)),
                9 | 10 => Self::Wide.number(mix(random, 0)),
                _ => Self::Plain.number(mix(random, 0)),
            },
        }
    }
}

fn fill() -> impl Strategy<Value = Fill> {
    let kind = prop_oneof![
        6 => Just(Numbers::Plain),
        2 => Just(Numbers::Constant),
        2 => Just(Numbers::Sparse),
        1 => Just(Numbers::Zeros),
        2 => Just(Numbers::Wide),
        2 => Just(Numbers::Tiny),
        2 => Just(Numbers::Small),
        1 => Just(Numbers::Huge),
        3 => Just(Numbers::Mixed),
        1 => Just(Numbers::Special),
    ];
    (kind, any::<u64>()).prop_map(|(kind, seed)| Fill { kind, seed })
}

prop_compose! {
    fn overrides()(
        own in prop::bool::weighted(0.4),
        learning_rate_multiplier in prop_oneof![2 => Just(1.0), 3 => number(0.0..2.0, &[0.0, 0.1, -1.0, 1e-40, 1e30])],
        decays in prop::bool::weighted(0.8),
        weight_decay in prop::option::of(prop_oneof![0_f32..0.5, Just(0.0)]),
        trainable in prop::bool::weighted(0.7),
    ) -> Override {
        if own {
            Override { learning_rate_multiplier, decays, weight_decay, trainable }
        } else {
            Override { decays, ..Override::NONE }
        }
    }
}

prop_compose! {
    fn variable()(
        size in prop_oneof![
            4 => prop::sample::select(vec![0, 1, 3, 7, 8, 9, 15, 16, 17, 63, 64, 65, 511, 512, 513, 1025]),
            2 => 127_usize..=130,
            2 => 0_usize..300,
        ],
        value in fill(),
        gradient in prop_oneof![
            2 => Just(GradientDtype::Float32),
            1 => prop::sample::select(GradientDtype::ALL.to_vec()),
        ],
        overwrite_with_gradient in prop::bool::weighted(0.15),
        overrides in overrides(),
    ) -> VariableSpec {
        VariableSpec { size, value, gradient, overwrite_with_gradient, overrides }
    }
}

prop_compose! {
    fn scale()(
        initial in prop_oneof![1_f32..65536.0, prop::sample::select(vec![1.0, 1e-44, 3e38])],
        growth_steps in -1..4,
        (minimum, maximum) in prop_oneof![Just((0.0, f32::INFINITY)), Just((1.0, 32768.0))],
    ) -> Scale {
        Scale { initial, growth_steps, minimum, maximum }
    }
}

prop_compose! {
    fn order()(
        mut order in Just((0..VARIABLES).collect::<Vec<_>>()).prop_shuffle(),
        len in 0..=VARIABLES,
    ) -> Vec<usize> {
        order.truncate(len);
        order
    }
}

prop_compose! {
    fn step()(
        learning_rate in prop_oneof![
            6 => 0_f32..0.5,
            1 => prop::sample::select(vec![0.0, -0.01, 1e-42, 1e30, f32::INFINITY, f32::NAN]),
        ],
        gradients in prop::array::uniform6(fill()),
        order in prop::option::of(order()),
        changed in prop::option::weighted(0.1, hyperparameters()),
        overrides in prop::option::weighted(0.2, (0..VARIABLES, overrides())),
    ) -> Step {
        Step { learning_rate, gradients, order, changed, overrides }
    }
}

prop_compose! {
    /// A random training run.
    pub fn scenario()(
        hyperparameters in hyperparameters(),
        variables in prop::collection::vec(variable(), 1..=VARIABLES),
        resumed in prop::option::weighted(0.3, (0_u32..20, fill())),
        loss_scale in prop::option::weighted(0.3, scale()),
        steps in prop::collection::vec(step(), 1..8),
    ) -> Scenario {
        Scenario { hyperparameters, variables, resumed, loss_scale, steps }
    }
}
