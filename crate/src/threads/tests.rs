//! Steps in chunks, by several threads, against whole ones.

#![expect(unsafe_code, reason = "the tests call what is unsafe to call")]

use crate::config::Hyperparameters;
use crate::memory::gradient::GradientDtype;
use crate::memory::slot_map::Handle;
use crate::memory::variable::{Variable, Variables};
use crate::rule::loss_scale::LossScale;
use crate::step::call::Call;
use crate::step::optimizer::Optimizer;
use crate::step::overrides::Override;
use crate::step::slots::Slot;
use crate::step::state::BuildError;
use crate::testing::bits;
use crate::threads::chunked_step::Phase;
use crate::threads::plan::{ChunkPlan, Chunks};
use crate::threads::shared::SharedStep;
use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use proptest::prelude::*;

/// Does a step with this many threads. `None` if it was left to [`Optimizer::apply_scaled`] and the like.
fn step(
    shared: &mut SharedStep,
    threads: usize,
    optimizer: &mut Optimizer,
    variables: &mut Variables,
    call: Call,
) -> Option<bool> {
    let mut phase = shared.begin(optimizer, variables, call);
    if phase == Phase::Over {
        return None;
    }
    while phase != Phase::Over {
        let chunks = AtomicUsize::new(0);
        let running: &SharedStep = shared;
        std::thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| {
                    loop {
                        let chunk = chunks.fetch_add(1, Relaxed);
                        if chunk >= running.chunked_step().chunks().chunk_count() {
                            break;
                        }
                        // SAFETY: each chunk once, of the phase that is on; the threads end with the scope.
                        unsafe { running.run(phase, chunk) };
                    }
                });
            }
        });
        phase = shared.next_phase(optimizer);
    }
    Some(shared.chunked_step().gradients_were_finite())
}

struct Training {
    variables: Variables,
    handles: Vec<Handle>,
    optimizer: Optimizer,
    scale: LossScale,
}

fn training(lengths: &[usize], hyperparameters: &Hyperparameters) -> Training {
    let mut variables = Variables::new();
    let handles: Vec<Handle> = (lengths.iter().enumerate())
        .map(|(index, &len)| {
            let dtype = if index == 1 { GradientDtype::Float16 } else { GradientDtype::Float32 };
            let mut variable = Variable::zeroed_with(len, dtype).unwrap();
            if index == 2 {
                variable = variable.overwritten_with_gradient();
            }
            variable.value_mut().iter_mut().enumerate().for_each(|(i, value)| *value = (i % 89) as f32 / 64.0);
            variables.insert(variable).unwrap()
        })
        .collect();
    let mut optimizer = Optimizer::build(hyperparameters.clone(), &handles, &variables).unwrap();
    optimizer.set_override(0, Override { decays: false, ..Override::NONE });
    Training { variables, handles, optimizer, scale: LossScale::new(8.0, 2, 1.0, 64.0) }
}

impl Training {
    fn set_gradients(&mut self, seed: u32, odd: bool) {
        let mut state = seed;
        for &handle in &self.handles {
            let variable = self.variables.get_mut(handle).unwrap();
            for (i, g) in variable.half_gradient_mut().iter_mut().enumerate() {
                // All exponents but that of infinity.
                *g = (seed as u16).wrapping_mul(31).wrapping_add(i as u16).wrapping_mul(2753) & 0xbbff;
            }
            for g in variable.gradient_mut() {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                *g = (state >> 8) as f32 / 8_388_608.0 - 1.0;
                if odd && (state >> 8).trailing_zeros() >= 10 {
                    *g = f32::INFINITY;
                }
            }
        }
    }

    fn bits(&self) -> Vec<u32> {
        let slots = (0..self.handles.len())
            .flat_map(|index| Slot::ALL.map(|slot| self.optimizer.slot(slot, index).unwrap_or(&[])));
        let values = self.handles.iter().map(|&handle| self.variables.get(handle).unwrap().value());
        let floats = slots.chain(values).flatten().copied().map(bits);
        let counts = [self.optimizer.raw_iterations(), self.scale.scale.to_bits(), self.scale.counter as u32];
        let last_step: [f32; 8] = bytemuck::cast(*self.optimizer.last_step());
        floats.chain(counts).chain(last_step.map(bits)).collect()
    }
}

proptest! {
    // Miri interprets: a case takes it half a minute.
    #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 1 } else { 300 }))]
    /// Steps in chunks, by any number of threads, have the bits of whole ones.
    #[test]
    fn cutting_does_not_change_bits(
        lengths in prop::collection::vec(prop_oneof![0usize..40, 100usize..3000], 1..6),
        (piece, chunk) in (128usize..600, 1usize..2000),
        threads in 1usize..4,
        (momentum, centered, use_ema, scaled) in any::<(bool, bool, bool, bool)>(),
        clip in 0u32..4,
        steps_per_update in prop::option::of(2u32..4),
        selections in prop::collection::vec(prop::option::of(0usize..5), 3..8),
        frozen in prop::option::of(0usize..5),
        own_rate in prop::option::of(0usize..5),
    ) {
        let hyperparameters = Hyperparameters {
            momentum: if momentum { 0.9 } else { 0.0 },
            centered,
            use_ema,
            ema_overwrite_frequency: use_ema.then_some(3.0),
            weight_decay: Some(0.01),
            clipnorm: (clip == 1).then_some(0.5),
            global_clipnorm: (clip == 2).then_some(0.5),
            clipvalue: (clip == 3).then_some(0.5),
            gradient_accumulation_steps: steps_per_update.map(f64::from),
            ..Hyperparameters::default()
        };
        let [mut whole, mut cut] = [(); 2].map(|()| training(&lengths, &hyperparameters));
        for training in [&mut whole, &mut cut] {
            let own = Override { learning_rate_multiplier: 0.1, weight_decay: Some(0.5), ..Override::NONE };
            own_rate.map(|index| training.optimizer.set_override(index, own));
            frozen.map(|index| training.optimizer.set_override(index, Override { trainable: false, ..Override::NONE }));
            training.optimizer.measure_norm(centered);
        }
        let mut shared = SharedStep::new(&cut.optimizer, &cut.variables, ChunkPlan { piece, chunk, least: 0 }).unwrap().unwrap();
        for (number, selected) in selections.into_iter().enumerate() {
            let selected = selected.filter(|&selected| selected <= lengths.len());
            for training in [&mut whole, &mut cut] {
                training.set_gradients(number as u32, scaled && number % 3 == 1);
                for position in 0..selected.unwrap_or(0) {
                    training.optimizer.select(position, lengths.len() - 1 - position);
                }
            }
            let call = Call { learning_rate: 0.01, loss_scale: None, selected };
            if scaled {
                whole.optimizer.apply_scaled(&mut whole.variables, &mut whole.scale, call).unwrap();
                let call = Call { loss_scale: Some(cut.scale.scale), ..call };
                match step(&mut shared, threads, &mut cut.optimizer, &mut cut.variables, call) {
                    Some(finite) => cut.scale.record(finite),
                    None => {
                        cut.optimizer.apply_scaled(&mut cut.variables, &mut cut.scale, call).unwrap();
                    }
                }
            } else {
                whole.optimizer.apply(&mut whole.variables, call).unwrap();
                if step(&mut shared, threads, &mut cut.optimizer, &mut cut.variables, call).is_none() {
                    cut.optimizer.apply(&mut cut.variables, call).unwrap();
                }
            }
            prop_assert_eq!(cut.bits(), whole.bits());
        }
    }
}

#[test]
fn chunks_hold_each_element_once_and_are_neither_too_small_nor_too_large() {
    for lengths in [&[60_000][..], &[1_000_000, 3, 0, 77], &[200; 1000], &[8193, 8192, 60_000]] {
        let plan = ChunkPlan::BEST;
        let chunks = Chunks::new(lengths.iter().copied(), plan).unwrap().unwrap();
        let mut ends = vec![0; lengths.len()];
        let mut sizes = vec![0; chunks.chunk_count()];
        for (chunk, size) in sizes.iter_mut().enumerate() {
            for (_, piece) in chunks.pieces_of(chunk) {
                assert_eq!(piece.elements.start, std::mem::replace(&mut ends[piece.variable], piece.elements.end));
                *size += piece.elements.len();
            }
        }
        assert_eq!(ends, lengths);
        assert!(sizes.iter().all(|&size| size < plan.chunk + plan.piece));
        assert!(sizes[..sizes.len() - 1].iter().all(|&size| size >= plan.chunk));
    }
}

/// Two threads would update the same array at once.
#[test]
fn an_optimizer_has_no_variable_twice() {
    let Training { variables, handles, .. } = training(&[300, 7, 40], &Hyperparameters::default());
    for list in [[0, 0, 1], [0, 1, 0], [1, 2, 2]] {
        let list = list.map(|index| handles[index]);
        let error = Optimizer::build(Hyperparameters::default(), &list, &variables).err();
        assert!(
            matches!(error, Some(BuildError::Duplicate(handle)) if list.iter().filter(|&&h| h == handle).count() == 2)
        );
    }
}

#[test]
fn small_optimizers_are_not_cut() {
    let training = training(&[1000, 5], &Hyperparameters::default());
    assert!(SharedStep::new(&training.optimizer, &training.variables, ChunkPlan::BEST).unwrap().is_none());
}

#[test]
fn variables_that_were_not_cut_leave_the_step_to_the_whole() {
    let cut = training(&[300, 40], &Hyperparameters::default());
    let mut shared =
        SharedStep::new(&cut.optimizer, &cut.variables, ChunkPlan { piece: 128, chunk: 1, least: 0 }).unwrap().unwrap();
    let call = Call { learning_rate: 0.1, loss_scale: None, selected: None };
    for lengths in [&[300, 41][..], &[300, 39], &[292, 40], &[300], &[300, 40, 1], &[40, 300]] {
        let mut other = training(lengths, &Hyperparameters::default());
        assert_eq!(step(&mut shared, 2, &mut other.optimizer, &mut other.variables, call), None, "{lengths:?}");
    }
}

#[test]
fn a_freed_variable_leaves_the_step_to_the_whole_which_reports_it() {
    let mut training = training(&[300, 300], &Hyperparameters::default());
    let cut = ChunkPlan { piece: 128, chunk: 1, least: 0 };
    let mut shared = SharedStep::new(&training.optimizer, &training.variables, cut).unwrap().unwrap();
    training.variables.remove(training.handles[1]);
    let call = Call { learning_rate: 0.1, loss_scale: None, selected: None };
    assert_eq!(step(&mut shared, 2, &mut training.optimizer, &mut training.variables, call), None);
}
