//! What fails changes nothing: freed variables and exhausted memory.

use crate::allocator::{held, with_allowance};
use crate::pair::Pair;
use crate::scenario::{Fill, Numbers, Scenario, Step, VARIABLES, VariableSpec};
use rmsprop::{BuildError, Call, Freed, GradientDtype, Hyperparameters, LossScale, Optimizer, OutOfMemory, Override};
use rmsprop::{Slot, Variable, Variables};

const CALL: Call = Call { learning_rate: 0.1, loss_scale: None, selected: None };

fn fill(seed: u64) -> Fill {
    Fill { kind: Numbers::Plain, seed }
}

/// Two steps of an optimizer with every kind of state and of variable.
fn trained(gradient_accumulation_steps: f64) -> Pair {
    let hyperparameters = Hyperparameters {
        weight_decay: Some(0.01),
        global_clipnorm: Some(0.5),
        use_ema: true,
        ema_overwrite_frequency: Some(2.0),
        gradient_accumulation_steps: Some(gradient_accumulation_steps),
        momentum: 0.9,
        centered: true,
        ..Hyperparameters::default()
    };
    let variables =
        [(7, false), (1025, false), (3, true), (130, false)].map(|(size, overwrite_with_gradient)| VariableSpec {
            size,
            value: fill(1),
            gradient: GradientDtype::Float32,
            overwrite_with_gradient,
            overrides: Override::NONE,
        });
    let step =
        Step { learning_rate: 0.1, gradients: [fill(2); VARIABLES], order: None, changed: None, overrides: None };
    let scenario =
        Scenario { hyperparameters, variables: variables.into(), resumed: None, loss_scale: None, steps: Vec::new() };
    let mut pair = Pair::new(&scenario);
    for _ in 0..2 {
        pair.step(&step).unwrap();
    }
    pair
}

/// A run in which a variable was freed since the last step, and its handle.
fn with_freed(number: usize, gradient_accumulation_steps: f64) -> (Pair, Freed) {
    let mut pair = trained(gradient_accumulation_steps);
    let handle = pair.handles[number];
    pair.variables.remove(handle).unwrap();
    // A newer variable at the same index is not taken for it.
    let newer = pair.variables.insert(Variable::zeroed(7).unwrap()).unwrap();
    assert_ne!(newer, handle);
    (pair, Freed(handle))
}

/// The bits of all that the optimizer works on.
fn snapshot(pair: &Pair) -> (u32, Vec<Option<Vec<u32>>>) {
    let bits = |array: &[f32]| array.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
    let mut all = Vec::new();
    for (i, &handle) in pair.handles.iter().enumerate() {
        let variable = pair.variables.get(handle);
        all.push(variable.map(|variable| bits(variable.value())));
        all.push(variable.map(|variable| bits(variable.gradient())));
        all.extend(Slot::ALL.map(|slot| pair.optimizer.slot(slot, i).map(bits)));
    }
    (pair.optimizer.raw_iterations(), all)
}

/// `f` fails because of the freed variable, whichever it is, and leaves all as it was.
fn fails<T>(f: impl Fn(&mut Optimizer, &mut Variables) -> Result<T, Freed>) {
    fails_with(1.0, f);
}

/// The same with this number as the first of each gradient.
fn fails_with<T>(g: f32, f: impl Fn(&mut Optimizer, &mut Variables) -> Result<T, Freed>) {
    for steps in [0.0, 2.0, 3.0] {
        for number in 0..4 {
            let (mut pair, freed) = with_freed(number, steps);
            for &handle in &pair.handles {
                if let Some(variable) = pair.variables.get_mut(handle) {
                    variable.gradient_mut()[0] = g;
                }
            }
            let before = snapshot(&pair);
            let failure = f(&mut pair.optimizer, &mut pair.variables).err();
            assert_eq!(failure, Some(freed), "variable {number} of 4");
            assert_eq!(snapshot(&pair), before, "variable {number} of 4");
        }
    }
}

#[test]
fn a_step_with_a_freed_variable_changes_nothing() {
    fails(|optimizer, variables| optimizer.step(variables, 0.1));
}

#[test]
fn a_step_of_other_variables_than_the_freed_one_changes_nothing() {
    for only in 0..4 {
        fails(|optimizer, variables| {
            assert!(optimizer.select(0, only));
            let selected = Some(1);
            optimizer.apply(variables, Call { selected, ..CALL })
        });
    }
}

#[test]
fn a_scaled_step_with_a_freed_variable_changes_nothing() {
    // Whether the gradients are finite, whether there are any, and whether the scale was about to grow.
    for (gradient, selected, growth_steps) in [(1.0, None, 1), (1.0, None, 2), (f32::NAN, None, 1), (1.0, Some(0), 1)] {
        fails_with(gradient, |optimizer, variables| {
            let mut loss_scale = LossScale::new(4.0, growth_steps, 0.0, f32::INFINITY);
            loss_scale.counter = growth_steps - 1;
            let call = Call { selected, ..CALL };
            let result = optimizer.apply_scaled(variables, &mut loss_scale, call);
            assert_eq!((loss_scale.scale, loss_scale.counter), (4.0, growth_steps - 1));
            result
        });
    }
}

#[test]
fn finalize_with_a_freed_variable_changes_nothing() {
    fails(Optimizer::finalize);
}

#[test]
fn build_with_a_freed_variable_fails() {
    for number in 0..4 {
        let (pair, freed) = with_freed(number, 2.0);
        let hyperparameters = pair.optimizer.hyperparameters();
        let error = Optimizer::build(hyperparameters.clone(), &pair.handles, &pair.variables).err();
        assert_eq!(error, Some(BuildError::Freed(freed)));
        let error = Optimizer::bytes(hyperparameters, &pair.handles, &pair.variables).err();
        assert_eq!(error, Some(BuildError::Freed(freed)));
    }
}

#[test]
fn build_with_a_variable_listed_twice_fails() {
    let pair = trained(2.0);
    let [a, b, c, _] = pair.handles[..] else { unreachable!() };
    for (list, repeated) in [(vec![a, a], a), (vec![a, b, c, b], b)] {
        let error = Optimizer::build(Hyperparameters::default(), &list, &pair.variables).err();
        assert_eq!(error, Some(BuildError::Duplicate(repeated)));
    }
}

/// What is booked for an optimizer is what it takes: no less, and little more.
#[test]
fn bytes_are_those_that_build_takes() {
    for hyperparameters in [Hyperparameters::default(), trained(2.0).optimizer.hyperparameters().clone()] {
        let Pair { variables, handles, .. } = trained(2.0);
        let before = held();
        let optimizer = Optimizer::build(hyperparameters.clone(), &handles, &variables).unwrap();
        let taken = (held() - before).cast_unsigned();
        let bytes = Optimizer::bytes(&hyperparameters, &handles, &variables).unwrap();
        let slots = (0..handles.len()).flat_map(|i| Slot::ALL.map(|slot| optimizer.slot(slot, i).is_some()));
        let slots = slots.filter(|&kept| kept).count();
        assert!(taken <= bytes, "{taken} taken, {bytes} booked");
        // The optimizer itself in a table that grows, its list of variables, and what allocators add.
        let slack = 4 * size_of::<Optimizer>() + 64 * (handles.len() + slots);
        assert!(bytes <= taken + slack, "{taken} taken, {bytes} booked");
    }
}

/// Calls `f` with an allowance of 0 allocations, then 1, … until it succeeds. Each failure must keep no memory. Returns
/// how often it failed.
fn starve<T>(mut f: impl FnMut() -> Result<T, BuildError>) -> usize {
    for allowance in 0..1000 {
        let before = held();
        match with_allowance(allowance, &mut f) {
            Ok(_) => return allowance,
            Err(error) => assert_eq!(error, BuildError::OutOfMemory),
        }
        assert_eq!(held(), before, "with {allowance} allocations");
    }
    panic!("it never succeeds");
}

#[test]
fn build_without_memory_changes_nothing() {
    let pair = trained(3.0);
    let before = snapshot(&pair);
    let failures = starve(|| {
        // Hyper-parameters hold no memory.
        let hyperparameters = pair.optimizer.hyperparameters().clone();
        Optimizer::build(hyperparameters, &pair.handles, &pair.variables)
    });
    // 3 variables with 5 slots, one with 1, and at least the list of them.
    assert!(failures > 16, "{failures} failures");
    assert_eq!(snapshot(&pair), before);
}

#[test]
fn variables_without_memory_fail_without_a_trace() {
    assert_eq!(starve(|| Ok(Variable::new(&[1.0; 100])?)), 2);
    for dtype in GradientDtype::ALL {
        assert_eq!(starve(|| Ok(Variable::zeroed_with(100, dtype)?)), 2);
    }

    let mut variables = Variables::new();
    let mut handles = Vec::with_capacity(100);
    let mut failures = 0;
    for i in 0..100_u8 {
        let value = [f32::from(i); 10];
        let before = held();
        let variable = Variable::new(&value).unwrap();
        let inserted = with_allowance(0, || variables.insert(variable));
        handles.push(inserted.unwrap_or_else(|error| {
            assert_eq!((error, held()), (OutOfMemory, before));
            failures += 1;
            variables.insert(Variable::new(&value).unwrap()).unwrap()
        }));
    }
    assert_ne!(failures, 0);
    for (i, &handle) in (0..100_u8).zip(&handles) {
        assert_eq!(variables.get(handle).unwrap().value(), [f32::from(i); 10]);
    }
}

#[test]
fn steps_allocate_nothing() {
    for steps in [0.0, 2.0] {
        let mut pair = trained(steps);
        let hyperparameters = pair.optimizer.hyperparameters().clone();
        let (variables, handles) = (&mut pair.variables, &pair.handles);
        let mut optimizer = Optimizer::build(hyperparameters, handles, variables).unwrap();
        let mut loss_scale = LossScale::new(4.0, 1, 0.0, f32::INFINITY);
        with_allowance(0, || {
            optimizer.step(variables, 0.1).unwrap();
            optimizer.step(variables, 0.1).unwrap();
            assert!(optimizer.select(0, 1));
            let selected = Some(1);
            optimizer.apply(variables, Call { selected, ..CALL }).unwrap();
            optimizer.apply_scaled(variables, &mut loss_scale, CALL).unwrap();
            optimizer.finalize(variables).unwrap();
        });
    }
}
