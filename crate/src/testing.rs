//! Numbers and hyper-parameters for property tests, and how numbers are compared. crate/tests takes this file in too: `super`
//! is the crate here, and the test there.

use super::config::{Descriptor, HYPERPARAMETERS, Hyperparameters, Kind};
use core::ops::Range;
use proptest::prelude::*;

/// Plain ones; any bit pattern: subnormals, infinities, NaN; all magnitudes, and zeros; the smallest.
pub fn any_float() -> impl Strategy<Value = f32> {
    let smallest = (0u32..64).prop_map(f32::from_bits);
    prop_oneof![-2.0f32..2.0, any::<u32>().prop_map(f32::from_bits), graded_float(), smallest]
}

/// Bits to compare: which `NaN` it is does not matter.
pub fn bits(x: f32) -> u32 {
    if x.is_nan() { 0x7fc0_0000 } else { x.to_bits() }
}

/// Magnitudes from the smallest to about 1, zeros of both signs.
pub fn graded_float() -> impl Strategy<Value = f32> {
    let power = (-149i32..2, any::<bool>(), 1.0f64..2.0)
        .prop_map(|(e, negative, x)| (x * 2f64.powi(e)) as f32 * if negative { -1.0 } else { 1.0 });
    prop_oneof![8 => power, 1 => Just(0.0f32), 1 => Just(-0.0f32)]
}

/// Usual numbers, and special ones, of those hyper-parameters for which others serve better than [`ANY_NUMBERS`].
const NUMBERS: &[(&str, Range<f64>, &[f64])] = &[
    ("weight_decay", 0.0..0.5, &[0.0, -0.1, 1e30, 1e-42]),
    ("clipnorm", 1e-3..10.0, THRESHOLDS),
    ("global_clipnorm", 1e-3..10.0, THRESHOLDS),
    ("clipvalue", 1e-3..10.0, THRESHOLDS),
    ("ema_momentum", 0.0..1.0, &[0.0, 0.99, 1.0]),
    ("loss_scale_factor", 0.1..1000.0, &[1.0, 1024.0, 0.0, -2.0, 1e38, 1e-40]),
    ("rho", 0.0..1.0, &[0.0, 0.9, 0.99, 1.0, 1.5, -0.5]),
    ("momentum", 0.0..1.0, &[0.9, 1.0, 1.5, -0.5, 1e-45]),
    ("epsilon", 0.0..1e-3, &[1e-7, 0.0, 1.0, 1e-42, 1e-300, -1e-3]),
];
const THRESHOLDS: &[f64] = &[1.0, 0.0, -1.0, 1e-50, 1e-42, 1e30, 1e300];
const ANY_NUMBERS: (Range<f64>, &[f64]) = (0.0..2.0, &[0.0, 1.0, 1e-42, 1e30]);

/// Hyper-parameters in all combinations, each row of their table by its kind: a new row is drawn as well.
pub fn hyperparameters() -> impl Strategy<Value = Hyperparameters> {
    let numbers = HYPERPARAMETERS.iter().map(number_at_boundary).collect::<Vec<_>>();
    numbers.prop_map(|numbers| {
        let mut drawn = Hyperparameters::default();
        for (index, number) in numbers.into_iter().enumerate() {
            if let Some(number) = number {
                drawn.set(index, number);
            }
        }
        drawn
    })
}

/// Mostly usual numbers, special ones now and then.
pub fn number(usual: Range<f64>, special: &'static [f64]) -> impl Strategy<Value = f64> {
    prop_oneof![3 => usual, 1 => prop::sample::select(special)]
}

/// `None`: the default.
fn number_at_boundary(row: &Descriptor) -> BoxedStrategy<Option<f64>> {
    let last = row.choices.len().saturating_sub(1);
    let least = row.limits.minimum.unwrap_or(1.0);
    let own = NUMBERS.iter().find(|(name, ..)| *name == row.name);
    let (usual, special) = own.map_or(ANY_NUMBERS, |(_, usual, special)| (usual.clone(), special));
    let number = match row.kind {
        Kind::Boolean => any::<bool>().prop_map(f64::from).boxed(),
        Kind::Choice => (0..=last).prop_map(|index| index as f64).boxed(),
        Kind::OptionalCount => prop::sample::select(vec![0.0, least, least + 1.0, least + 3.0]).boxed(),
        Kind::Number | Kind::OptionalNumber => number(usual, special).boxed(),
    };
    prop_oneof![Just(None), number.prop_map(Some)].boxed()
}
