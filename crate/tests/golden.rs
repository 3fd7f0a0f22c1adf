//! Replays the vectors in `test/golden`, recorded from Keras, through the public API: equal bits, without tolerance.
//!
//! The TypeScript tests replay the same vectors on WebAssembly, and those of names, configurations and validation.

#[path = "golden/bits.rs"]
mod bits;
#[path = "golden/cancellation.rs"]
mod cancellation;
#[path = "golden/check.rs"]
mod check;
#[path = "golden/generator.rs"]
mod generator;
#[path = "golden/model.rs"]
mod model;
#[path = "golden/reductions.rs"]
mod reductions;
#[path = "golden/schedules.rs"]
mod schedules;
#[path = "golden/training.rs"]
mod training;
#[path = "golden/vectors.rs"]
mod vectors;

use bits::Bits;
use vectors::{File, load};

/// Replays the training runs of a file.
fn replay(name: &str) {
    let file: File<vectors::Case> = load(name);
    let checks = file.cases.iter().map(|case| (case.id.clone(), training::replay(case)));
    check::all(checks);
}

#[test]
fn optimizer_single() {
    replay("optimizer_single");
}

#[test]
fn optimizer_pairwise() {
    replay("optimizer_pairwise");
}

#[test]
fn optimizer_long() {
    replay("optimizer_long");
}

#[test]
fn optimizer_extreme() {
    replay("optimizer_extreme");
}

#[test]
fn optimizer_behaviour() {
    replay("optimizer_behaviour");
}

#[test]
fn loss_scale() {
    replay("loss_scale");
}

#[test]
fn schedules() {
    let file: File<schedules::Case> = load("schedules");
    let checks = file.cases.iter();
    check::all(checks.map(|case| (case.id(), case.replay(&file.steps))));
}

#[test]
fn reductions() {
    let file: File<reductions::Case> = load("reductions");
    let checks = file.cases.iter().enumerate();
    check::all(checks.map(|(i, case)| (format!("case {i}, size {}", case.size), case.replay())));
}

#[test]
fn generator_is_that_of_the_vectors() {
    let check = load::<vectors::Case>("optimizer_single").meta.generator_self_check;
    let draws: Vec<Bits> = (0..8).map(|k| Bits(generator::draw(check.seed, k))).collect();
    assert_eq!(draws, check.draws_k0_to_k7);
}
