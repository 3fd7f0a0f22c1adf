//! The optimizer against a naive model of Keras' own text, and what must not happen when something is missing.

#[path = "reference/allocator.rs"]
mod allocator;
#[path = "reference/failures.rs"]
mod failures;
#[path = "reference/model.rs"]
mod model;
#[path = "reference/pair.rs"]
mod pair;
#[path = "reference/scenario.rs"]
mod scenario;

use proptest::prelude::*;
use rmsprop::Optimizer;

proptest! {
    #![proptest_config(ProptestConfig { cases: 5000, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever the hyper-parameters, sizes, gradients and selections: values, state and counters are equal in bits.
    #[test]
    fn the_optimizer_is_the_model(scenario in scenario::scenario()) {
        let mut pair = pair::Pair::new(&scenario);
        let bytes = Optimizer::bytes(&scenario.hyperparameters, &pair.handles, &pair.variables);
        prop_assert_eq!(bytes, Ok(pair.optimizer.own_bytes()));
        pair.check()?;
        for step in &scenario.steps {
            pair.step(step)?;
        }
        pair.optimizer.finalize(&mut pair.variables).unwrap();
        pair.model.finalize();
        pair.check()?;
    }
}
