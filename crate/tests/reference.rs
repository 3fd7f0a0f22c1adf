//! The optimizer against a naive model of Keras' own text, and what must not happen when something is missing.

#[path = "reference/allocator.rs"]
mod allocator;
#[path = "reference/failures.rs"]
mod failures;
#[path = "reference/half.rs"]
mod half;
#[path = "reference/model.rs"]
mod model;
#[path = "reference/pair.rs"]
mod pair;
#[path = "reference/scenario.rs"]
mod scenario;
#[allow(dead_code)]
#[path = "../src/testing.rs"]
mod testing;

use proptest::prelude::*;
use rmsprop::config;
use rmsprop::{Call, Handle, Hyperparameters, Optimizer, Slot, Variable, Variables};

proptest! {
    #![proptest_config(ProptestConfig { cases: 5000, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever the hyper-parameters, sizes, gradients and selections: values, state and counters are equal in bits.
    #[test]
    fn the_optimizer_is_the_model(scenario in scenario::scenario()) {
        let mut pair = pair::Pair::new(&scenario);
        pair.check()?;
        for step in &scenario.steps {
            pair.step(step)?;
        }
        pair.optimizer.finalize(&mut pair.variables).unwrap();
        pair.model.finalize();
        pair.check()?;
    }
}

/// An optimizer of one variable at 1, with gradient 3.
fn one(hyperparameters: Hyperparameters) -> (Variables, Handle, Optimizer) {
    let mut variables = Variables::new();
    let mut variable = Variable::new(&[1.0]).unwrap();
    variable.gradient_mut()[0] = 3.0;
    let handle = variables.insert(variable).unwrap();
    let optimizer = Optimizer::build(hyperparameters, &[handle], &variables).unwrap();
    (variables, handle, optimizer)
}

/// Random numbers do not come upon it: velocity - average² is exactly -epsilon.
#[test]
fn a_denominator_of_zero_becomes_epsilon() {
    // With ρ = 1 the state stays: v = 0, a = 1/2, so that d = (0 - 1/4) + 1/4.
    let (mut variables, handle, mut optimizer) =
        one(Hyperparameters { rho: 1.0, epsilon: 0.25, centered: true, ..Hyperparameters::default() });
    optimizer.slot_mut(Slot::AverageGradient, 0).unwrap()[0] = 0.5;
    optimizer.step(&mut variables, 0.125).unwrap();
    optimizer.slot_mut(Slot::Velocity, 0).unwrap()[0] = 0.25;
    optimizer.step(&mut variables, 0.125).unwrap();

    let (mut expected, root_of_epsilon) = (1.0, 0.5);
    expected -= 0.125 * 3.0 / root_of_epsilon;
    expected -= 0.125 * 3.0 / root_of_epsilon;
    assert_eq!(optimizer.slot(Slot::AverageGradient, 0), Some(&[0.5][..]));
    assert_eq!(variables.get(handle).unwrap().value(), [expected]);
}

#[test]
fn a_selection_of_more_than_there_are_is_of_all() {
    let (mut variables, _, mut optimizer) = one(Hyperparameters::default());
    let call = Call { learning_rate: 0.1, loss_scale: None, selected: Some(2) };
    optimizer.apply(&mut variables, call).unwrap();
    assert_ne!(optimizer.slot(Slot::Velocity, 0), Some(&[0.0][..]));
    assert!(!optimizer.select(0, 1) && !optimizer.select(1, 0));
}
