//! The loops against the rule for one element; whole steps.

use crate::arith::group::{Group, flat, grouped};
use crate::arith::pairwise_sum::RUN;
use crate::arith::subnormal::SmallNumbers;
use crate::config::{EpsilonMode, Hyperparameters, MomentumMode};
use crate::memory::variable::{Variable, Variables};
use crate::rule::ema::Ema;
use crate::rule::loss_scale::LossScale;
use crate::rule::rmsprop::{Coefficients, Element, rmsprop};
use crate::rule::weight_decay::decayed;
use crate::step::call::Call;
use crate::step::fused::{Block, State, update_block};
use crate::step::optimizer::Optimizer;
use crate::step::overrides::Override;
use crate::step::slots::Slot;
use crate::step::subnormal_update::{update_stuck, update_via_f64};
use crate::step::variable::SCANNED;
use crate::testing::{any_float, bits, hyperparameters};
use proptest::prelude::*;

/// The rule for one element, with decay before it and the average after it.
fn element(
    c: &Coefficients,
    (centered, momentum): (bool, bool),
    weight_decay: Option<f32>,
    ema: Ema,
    [g, w, v, a, m, mean]: [f32; 6],
) -> [f32; 5] {
    let value = weight_decay.map_or(w, |weight_decay| decayed(w, weight_decay, c.eta));
    let e = Element { value, velocity: v, average_gradient: a, momentum: m };
    let rule = match (centered, momentum, c.are_keras) {
        (false, false, true) => rmsprop::<f32, false, false, true>,
        (false, true, true) => rmsprop::<f32, false, true, true>,
        (true, false, true) => rmsprop::<f32, true, false, true>,
        (true, true, true) => rmsprop::<f32, true, true, true>,
        (false, false, false) => rmsprop::<f32, false, false, false>,
        (false, true, false) => rmsprop::<f32, false, true, false>,
        (true, false, false) => rmsprop::<f32, true, false, false>,
        (true, true, false) => rmsprop::<f32, true, true, false>,
    };
    let e = rule(*c, g, e);
    let mean = ema.averaged_value(mean, e.value);
    [if ema.overwrites { mean } else { e.value }, e.velocity, e.average_gradient, e.momentum, mean]
}

proptest! {
    /// The loops give each element the bits of the rule for one, whatever the length and neighbours.
    #[test]
    fn lanes_do_not_change_bits(
        elements in prop::collection::vec(prop::array::uniform6(any_float()), 0..70),
        (centered, momentum, outside, torch, overwrites) in any::<(bool, bool, bool, bool, bool)>(),
        weight_decay in prop::option::of(prop_oneof![Just(0.0f32), Just(0.01), Just(-0.5)]),
        iteration in prop::option::of(0u32..2),
    ) {
        let hyperparameters = Hyperparameters {
            momentum: 0.9,
            epsilon_mode: if outside { EpsilonMode::Outside } else { EpsilonMode::Inside },
            momentum_mode: if torch { MomentumMode::Torch } else { MomentumMode::Keras },
            ..Hyperparameters::default()
        };
        let c = Coefficients::new(&hyperparameters, 0.01);
        let ema = iteration.map(|iteration| Ema::new(iteration, 0.99, overwrites.then_some(1)));
        let rows: Vec<[f32; 5]> = (elements.iter())
            .map(|&e| element(&c, (centered, momentum), weight_decay, ema.unwrap_or(Ema::OFF), e))
            .collect();
        let column = |index: usize| grouped(&elements.iter().map(|e| e[index]).collect::<Vec<_>>());
        for step in [&update_block as &dyn Fn(&Coefficients, &[Group], Block<'_>), &update_via_f64, &update_stuck] {
            let [mut w, mut v, mut a, mut m, mut mean] = [1, 2, 3, 4, 5].map(column);
            step(&c, &column(0), Block {
                value: &mut w,
                state: State {
                    velocity: &mut v,
                    average_gradient: centered.then_some(&mut a[..]),
                    momentum: momentum.then_some(&mut m[..]),
                },
                factor: 1.0,
                weight_decay,
                average: ema.map(|ema| (ema, &mut mean[..])),
            });
            for (i, row) in rows.iter().enumerate() {
                let found = [&w, &v, &a, &m, &mean].map(|x| bits(flat(x)[i]));
                let mut expected = row.map(bits);
                if ema.is_none() {
                    expected[4] = bits(elements[i][5]);
                }
                prop_assert_eq!(found, expected);
            }
        }
    }
}

/// Which blocks are scanned changes no bits: only their number shows whether it is right.
#[test]
fn a_sample_is_scanned_and_all_where_something_was_found() {
    let decaying = Hyperparameters { weight_decay: Some(0.0), ..Hyperparameters::default() };
    let clipping = Hyperparameters { clipvalue: Some(1.0), ..Hyperparameters::default() };
    for hyperparameters in [Hyperparameters::default(), decaying, clipping] {
        let mut variables = Variables::new();
        let lens = [300 * RUN - 5, 1];
        let handles = lens.map(|len| variables.insert(Variable::zeroed(len).unwrap()).unwrap());
        let mut optimizer = Optimizer::build(hyperparameters, &handles, &variables).unwrap();
        let mut scans = |optimizer: &mut Optimizer, call: u32| {
            assert_eq!(optimizer.raw_iterations(), call);
            let before = SCANNED.get();
            optimizer.step(&mut variables, 0.1).unwrap();
            SCANNED.get() - before
        };
        // The block of the call's offset, from 1 on, and every 128th after it.
        for call in 0..4 {
            assert_eq!(scans(&mut optimizer, call), 3);
        }
        // When its block is scanned it is found, and all behind it are scanned; then all, as long as there is something.
        optimizer.slot_mut(Slot::Velocity, 0).unwrap()[5 * RUN + 7] = 1e-40;
        assert_eq!(scans(&mut optimizer, 4), 295);
        assert_eq!(scans(&mut optimizer, 5), 300);
        assert_eq!(scans(&mut optimizer, 6), 300);
        optimizer.slot_mut(Slot::Velocity, 0).unwrap().fill(0.0);
        assert_eq!(scans(&mut optimizer, 7), 300);
        assert_eq!(scans(&mut optimizer, 8), 3);
        // Block 299 is the last.
        optimizer.set_raw_iterations(42);
        assert_eq!(scans(&mut optimizer, 42), 3);
        assert_eq!(scans(&mut optimizer, 43), 2);
        // The second variable is one call ahead: its only block is scanned before the first one's first.
        optimizer.slot_mut(Slot::Velocity, 1).unwrap()[0] = 1e-40;
        optimizer.set_raw_iterations(125);
        assert_eq!(scans(&mut optimizer, 125), 2);
        assert_eq!(scans(&mut optimizer, 126), 2 + 1);
        assert_eq!(scans(&mut optimizer, 127), 3 + 1);
        assert_eq!(scans(&mut optimizer, 128), 3 + 1);
    }
}

/// State that is stuck is known until the next scan, in one call of 16.
#[test]
fn stuck_state_is_seldom_scanned() {
    let mut variables = Variables::new();
    let handle = variables.insert(Variable::zeroed(10 * RUN).unwrap()).unwrap();
    let mut optimizer = Optimizer::build(Hyperparameters::default(), &[handle], &variables).unwrap();
    let mut scans = |optimizer: &mut Optimizer| {
        let before = SCANNED.get();
        optimizer.step(&mut variables, 0.1).unwrap();
        SCANNED.get() - before
    };
    optimizer.slot_mut(Slot::Velocity, 0).unwrap()[RUN + 3] = f32::from_bits(4);
    // Block 1 is scanned first, and all behind it.
    assert_eq!(scans(&mut optimizer), 9);
    for call in 1..40 {
        assert_eq!(scans(&mut optimizer), if (call + 1) % 16 == 0 { 10 } else { 0 }, "{call}");
        assert_eq!(optimizer.slot(Slot::Velocity, 0).unwrap()[RUN + 3].to_bits(), 4);
    }
    // A scan that meets none, or others.
    let velocity = optimizer.slot_mut(Slot::Velocity, 0).unwrap();
    velocity[RUN + 3] = 0.0;
    velocity[0] = 1e-40;
    for call in 40..50 {
        assert_eq!(scans(&mut optimizer), if call < 47 { 0 } else { 10 }, "{call}");
    }
    optimizer.slot_mut(Slot::Velocity, 0).unwrap().fill(0.0);
    assert_eq!(scans(&mut optimizer), 10);
    assert_eq!(scans(&mut optimizer), 0);
}

/// Whether a step under a loss scale of 8 with these two gradients is taken.
fn is_taken(clipping: Hyperparameters, overwritten: bool, gradients: [f32; 2]) -> bool {
    let mut variables = Variables::new();
    let handles = gradients.map(|_| {
        let variable = Variable::new(&[1.0; 3]).unwrap();
        variables.insert(if overwritten { variable.overwritten_with_gradient() } else { variable }).unwrap()
    });
    let plain = variables.insert(Variable::new(&[1.0]).unwrap()).unwrap();
    let mut optimizer = Optimizer::build(clipping, &[handles[0], plain, handles[1]], &variables).unwrap();
    for (handle, gradient) in handles.into_iter().zip(gradients) {
        variables.get_mut(handle).unwrap().gradient_mut()[2] = gradient;
    }
    let call = Call { learning_rate: 0.1, loss_scale: None, selected: None };
    let mut scale = LossScale::new(8.0, 10, 1.0, 16.0);
    let taken = optimizer.apply_scaled(&mut variables, &mut scale, call).unwrap();
    assert_eq!(optimizer.raw_iterations() == 1, taken);
    assert_eq!(scale.scale == 8.0, taken);
    taken
}

/// With norms the sums of squares stand for the gradients, but a sum may also overflow.
#[test]
fn a_step_is_skipped_for_gradients_that_are_not_finite_and_for_nothing_else() {
    let off = Hyperparameters::default();
    let norm = Hyperparameters { clipnorm: Some(1.0), ..Hyperparameters::default() };
    let global = Hyperparameters { global_clipnorm: Some(1.0), ..Hyperparameters::default() };
    let accumulated = Hyperparameters { gradient_accumulation_steps: Some(2.0), ..norm.clone() };
    for clipping in [off, norm, global, accumulated] {
        for overwritten in [false, true] {
            for finite in [0.0, 1.0, 1e30, f32::MAX] {
                assert!(is_taken(clipping.clone(), overwritten, [finite, 1.0]));
                assert!(is_taken(clipping.clone(), overwritten, [1.0, finite]));
                for infinite in [f32::INFINITY, f32::NEG_INFINITY, f32::NAN] {
                    assert!(!is_taken(clipping.clone(), overwritten, [finite, infinite]));
                    assert!(!is_taken(clipping.clone(), overwritten, [infinite, finite]));
                }
            }
        }
    }
}

#[test]
fn accumulation_cannot_be_switched_on_without_accumulators() {
    let mut variables = Variables::new();
    let handle = variables.insert(Variable::new(&[1.0, 1.0]).unwrap()).unwrap();
    let mut optimizer = Optimizer::build(Hyperparameters::default(), &[handle], &variables).unwrap();
    optimizer.hyperparameters_mut().gradient_accumulation_steps = Some(3.0);
    variables.get_mut(handle).unwrap().gradient_mut().copy_from_slice(&[1.0, 1e-40]);
    // In the second call this variable is scanned.
    optimizer.set_raw_iterations(126);
    for _ in 0..2 {
        optimizer.step(&mut variables, 0.5).unwrap();
    }
    assert_eq!(optimizer.iterations(), 128);
    assert_eq!(optimizer.slot(Slot::Velocity, 0).unwrap()[0], 0.9 * 0.1 + 0.1);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]
    /// Which loop computes with numbers that may be subnormal is a matter of speed: whatever the last scan is said to have met, a
    /// run has the same bits.
    #[test]
    fn scans_change_no_bit(
        hyperparameters in hyperparameters(),
        values in prop::collection::vec(any_float(), 1..150),
        gradients in prop::collection::vec((any_float(), any::<[bool; 5]>()), 5..150),
        learning_rate in prop_oneof![4 => Just(1e-3f32), 1 => Just(0.0f32), 1 => Just(-0.1f32), 1 => Just(1e-40f32)],
    ) {
        let run = |small: SmallNumbers| {
            let mut variables = Variables::new();
            let handle = variables.insert(Variable::new(&values).unwrap()).unwrap();
            let mut optimizer = Optimizer::build(hyperparameters.clone(), &[handle], &variables).unwrap();
            // In these calls the blocks to scan are beyond the end.
            optimizer.set_raw_iterations(6);
            let mut all = Vec::new();
            for step in 0..5 {
                let gradient = variables.get_mut(handle).unwrap().gradient_mut();
                for (g, (number, on)) in gradient.iter_mut().zip(gradients.iter().cycle()) {
                    *g = if on[step] { *number } else { 0.0 };
                }
                optimizer.states[0].tracked.small = small;
                optimizer.step(&mut variables, learning_rate).unwrap();
                let slots = Slot::ALL.into_iter().filter_map(|slot| optimizer.slot(slot, 0));
                for &x in slots.chain([variables.get(handle).unwrap().value()]).flatten() {
                    all.push(bits(x));
                }
            }
            all
        };
        let plain = run(SmallNumbers::None);
        prop_assert_eq!(&run(SmallNumbers::Stuck), &plain);
        prop_assert_eq!(&run(SmallNumbers::Any), &plain);
    }

    /// Settings kept from one call to the next are those that it would derive, whatever was called and set between them.
    #[test]
    fn settings_that_are_kept_change_no_bit(
        hyperparameters in prop_oneof![Just(Hyperparameters::default()), hyperparameters()],
        lens in prop::collection::vec(1usize..300, 1..4),
        numbers in prop::collection::vec(any_float(), 1..50),
        calls in prop::collection::vec((0u8..16, prop::sample::select(vec![1e-3f32, 0.5, 0.0, -0.1, 1e-40]), 0.0..1.0f64), 1..30),
    ) {
        let run = |keeps: bool| {
            let mut variables = Variables::new();
            let handles: Vec<_> = (lens.iter())
                .map(|&len| {
                    let number = |i: usize| numbers[i % numbers.len()];
                    let mut variable = Variable::new(&(0..len).map(number).collect::<Vec<_>>()).unwrap();
                    for (i, g) in variable.gradient_mut().iter_mut().enumerate() {
                        *g = number(i + 7);
                    }
                    variables.insert(variable).unwrap()
                })
                .collect();
            let mut optimizer = Optimizer::build(hyperparameters.clone(), &handles, &variables).unwrap();
            let mut scale = LossScale::new(8.0, 10, 1.0, 16.0);
            let mut all = Vec::new();
            for &(what, learning_rate, number) in &calls {
                if !keeps {
                    optimizer.hyperparameters_mut();
                }
                let call = Call { learning_rate, loss_scale: None, selected: None };
                match what {
                    0 => optimizer.hyperparameters_mut().rho = number,
                    1 => optimizer.hyperparameters_mut().loss_scale_factor = (number < 0.5).then_some(8.0 * number),
                    2 => optimizer.hyperparameters_mut().clipvalue = (number < 0.5).then_some(number),
                    3 => optimizer.measure_norm(number < 0.5),
                    4 => optimizer.set_raw_iterations((300.0 * number) as u32),
                    5 => drop(optimizer.set_override(0, Override { learning_rate_multiplier: number, ..Override::NONE })),
                    6 => drop(optimizer.apply_scaled(&mut variables, &mut scale, call).unwrap()),
                    7 => optimizer.apply(&mut variables, Call { selected: Some(1), ..call }).unwrap(),
                    8 => optimizer.slot_mut(Slot::Velocity, 0).unwrap()[0] = 1e-40,
                    _ => optimizer.apply(&mut variables, call).unwrap(),
                }
                let slots = Slot::ALL.into_iter().filter_map(|slot| optimizer.slot(slot, 0));
                let values = handles.iter().map(|&handle| variables.get(handle).unwrap().value());
                all.extend(slots.chain(values).flatten().chain(bytemuck::cast_ref::<_, [f32; 8]>(optimizer.last_step())).map(|&x| bits(x)));
                all.push(optimizer.raw_iterations());
            }
            all
        };
        prop_assert_eq!(run(true), run(false));
    }
}
