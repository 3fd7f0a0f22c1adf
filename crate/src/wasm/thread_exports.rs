//! The functions that only the module for several threads exports: a step in chunks.
//!
//! All of them are for the thread that owns the module's objects. The one function for all threads is
//! [`run_chunk`](crate::threads::shared::run_chunk).

use super::exports::{Instance, check_count, with_instance};
use super::status::Status;
use crate::memory::buffer::{Buffer, OutOfMemory, reserved};
use crate::memory::slot_map::Handle;
use crate::platform::Global;
use crate::step::call::Call;
use crate::threads::chunked_step::Phase;
use crate::threads::plan::ChunkPlan;
use crate::threads::shared::SharedStep;
use alloc::vec::Vec;
use core::mem::ManuallyDrop;
use wasm_bindgen::prelude::wasm_bindgen;

/// One optimizer's step; empty if its steps are not worth cutting. Behind a pointer, because threads know it by address; not a
/// `Box`: stable Rust has no fallible one.
type Entry = (Handle, Vec<SharedStep>);

static STEPS: Global<Vec<Entry>> = Global::new(Vec::new());

fn with_step<T>(optimizer: Handle, work: impl FnOnce(&mut SharedStep) -> T) -> Option<T> {
    STEPS.with(|entries| {
        let (_, step) = entries.iter_mut().find(|(handle, _)| *handle == optimizer)?;
        step.first_mut().map(work)
    })
}

/// Address of `bytes` of memory for the host alone, for its threads' stacks and the words that tell them what to do; 0 if there is
/// no room. It is never given back.
#[wasm_bindgen]
pub fn chunks_memory(bytes: u32) -> usize {
    let buffer = Buffer::zeroed((bytes as usize).div_ceil(size_of::<f32>())).map(ManuallyDrop::new);
    buffer.map_or(0, |buffer| buffer.groups().as_ptr().expose_provenance())
}

/// Cuts an optimizer's steps into chunks; their number, 0 if that is not worth it or there is no room.
#[wasm_bindgen]
pub fn chunks_plan(optimizer: u32) -> usize {
    chunks_free(optimizer);
    let chunks: Result<usize, OutOfMemory> = with_instance(|instance| {
        let (built, variables) = instance.built(optimizer).ok_or(OutOfMemory)?;
        let Some(shared) = SharedStep::new(built, variables, ChunkPlan::BEST)? else { return Ok(0) };
        let chunks = shared.chunked_step().chunks().chunk_count();
        let mut step = reserved(1)?;
        step.push(shared);
        STEPS.with(|entries| {
            entries.try_reserve(1).map_err(|_| OutOfMemory)?;
            entries.push((optimizer, step));
            Ok(chunks)
        })
    });
    chunks.unwrap_or(0)
}

/// Address by which [`run_chunk`](crate::threads::shared::run_chunk) knows an optimizer's step.
#[wasm_bindgen]
pub fn chunks_address(optimizer: u32) -> usize {
    with_step(optimizer, |step| (&raw const *step).expose_provenance()).unwrap_or(0)
}

/// Begins a step, under a loss scale if that is not 0, with the gradients of the first `count` selected variables, or of
/// all if that is negative. Returns the phase whose chunks are to be done; 0 if the step is to be done as a whole.
#[wasm_bindgen]
pub fn chunks_begin(optimizer: u32, loss_scale: u32, learning_rate: f32, count: i32) -> u32 {
    let phase = with_instance(|instance| {
        let scale = instance.loss_scales.get(loss_scale).map(|scale| scale.scale);
        if loss_scale != 0 && scale.is_none() {
            return None;
        }
        let call = Call { learning_rate, loss_scale: scale, selected: usize::try_from(count).ok() };
        let (built, variables) = instance.built(optimizer)?;
        // The whole step then reports it.
        check_count(built).ok()?;
        with_step(optimizer, |step| step.begin(built, variables, call))
    });
    phase.unwrap_or(Phase::Over).code()
}

/// Ends a phase whose chunks are all done. Returns the next one; 0 if the step is over.
#[wasm_bindgen]
pub fn chunks_next(optimizer: u32) -> u32 {
    let phase = with_instance(|instance| {
        let (built, _) = instance.built(optimizer)?;
        with_step(optimizer, |step| step.next_phase(built))
    });
    phase.unwrap_or(Phase::Over).code()
}

/// The outcome of a step that is over.
#[wasm_bindgen]
pub fn chunks_end(optimizer: u32, loss_scale: u32) -> u32 {
    let finite = with_step(optimizer, |step| step.chunked_step().gradients_were_finite()).unwrap_or(true);
    with_instance(|Instance { loss_scales, .. }| {
        if let Some(scale) = loss_scales.get_mut(loss_scale) {
            scale.record(finite);
        }
    });
    if finite { Status::Done.code() } else { Status::Skipped.code() }
}

/// Gives the memory of an optimizer's chunks back, before the optimizer itself is freed.
#[wasm_bindgen]
pub fn chunks_free(optimizer: u32) {
    STEPS.with(|entries| entries.retain(|(handle, _)| *handle != optimizer));
}
