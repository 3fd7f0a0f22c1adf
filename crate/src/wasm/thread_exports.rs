//! The functions that only the module for several threads exports: a step in chunks.
//!
//! All of them are for the thread that owns the module's objects. The one function for all threads is
//! [`part`](crate::threads::shared::part).

use super::exports::{World, with};
use super::status::Status;
use crate::memory::slot_map::Handle;
use crate::platform::Global;
use crate::step::optimizer::Call;
use crate::threads::shared::{Cut, Parts, Phase, leaked};
use alloc::boxed::Box;
use alloc::vec::Vec;
use wasm_bindgen::prelude::wasm_bindgen;

/// One optimizer's chunks; `None` if its steps are not worth cutting. Boxed, because threads know them by address.
type Entry = (Handle, Option<Box<Parts>>);

static PARTS: Global<Vec<Entry>> = Global::new(Vec::new());

fn with_parts<T>(optimizer: Handle, work: impl FnOnce(&mut Parts) -> T) -> Option<T> {
    PARTS.with(|entries| {
        let (_, parts) = entries.iter_mut().find(|(handle, _)| *handle == optimizer)?;
        parts.as_mut().map(|parts| work(parts))
    })
}

/// Address of `bytes` of memory that the crate will not use, 0 if there is no room.
#[wasm_bindgen]
pub fn parts_memory(bytes: u32) -> usize {
    leaked(bytes as usize).unwrap_or(0)
}

/// Cuts an optimizer's steps into chunks; their number, 0 if that is not worth the trouble or there is no room.
#[wasm_bindgen]
pub fn parts_cut(optimizer: u32) -> usize {
    with(|world| {
        let (built, variables) = world.built(optimizer)?;
        PARTS.with(|entries| {
            entries.retain(|(handle, _)| *handle != optimizer);
            entries.try_reserve(1).ok()?;
            let parts = Parts::new(built, variables, Cut::BEST).ok()?;
            let chunks = parts.as_ref().map_or(0, Parts::chunks);
            entries.push((optimizer, parts.map(Box::new)));
            Some(chunks)
        })
    })
    .unwrap_or(0)
}

/// Address by which [`part`](crate::threads::shared::part) knows an optimizer's chunks.
#[wasm_bindgen]
pub fn parts_address(optimizer: u32) -> usize {
    with_parts(optimizer, |parts| (&raw const *parts).expose_provenance()).unwrap_or(0)
}

/// Begins a step, under a loss scale if that is not 0, with the gradients of the first `count` selected variables, or of
/// all if that is negative. The phase to do all chunks of; 0 if the step is to be done as a whole.
#[wasm_bindgen]
pub fn parts_begin(optimizer: u32, loss_scale: u32, learning_rate: f32, count: i32) -> u32 {
    let phase = with(|world| {
        let scale = world.loss_scales.get(loss_scale).map(|scale| scale.scale);
        if loss_scale != 0 && scale.is_none() {
            return None;
        }
        let call = Call { learning_rate, loss_scale: scale, selected: usize::try_from(count).ok() };
        let (built, variables) = world.built(optimizer)?;
        with_parts(optimizer, |parts| parts.begin(built, variables, call))
    });
    phase.unwrap_or(Phase::Over).code()
}

/// The next phase to do all chunks of, when they are all done; 0 if the step is over.
#[wasm_bindgen]
pub fn parts_next(optimizer: u32) -> u32 {
    let phase = with(|world| {
        let (built, _) = world.built(optimizer)?;
        with_parts(optimizer, |parts| parts.next(built))
    });
    phase.unwrap_or(Phase::Over).code()
}

/// The outcome of a step that is over.
#[wasm_bindgen]
pub fn parts_end(optimizer: u32, loss_scale: u32) -> u32 {
    let finite = with_parts(optimizer, |parts| parts.is_finite()).unwrap_or(true);
    with(|World { loss_scales, .. }| {
        if let Some(scale) = loss_scales.get_mut(loss_scale) {
            scale.record(finite);
        }
    });
    if finite { Status::Done.code() } else { Status::Skipped.code() }
}

/// Gives the lists of chunks back, before the optimizer itself is freed.
#[wasm_bindgen]
pub fn parts_free(optimizer: u32) {
    PARTS.with(|entries| entries.retain(|(handle, _)| *handle != optimizer));
}
