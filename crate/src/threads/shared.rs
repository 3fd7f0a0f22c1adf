//! What threads share in a step: all of the crate's `unsafe` that is for threads.
//!
//! One thread, the host, calls [`SharedStep::begin`]; then, as long as there is a [`Phase`], all threads call
//! [`SharedStep::run`] until each chunk was run once, and when all of that is done the host calls [`SharedStep::next_phase`].
//! Nothing here waits or locks: between the calls of one phase and the next the host must see to it that all threads see what
//! the others wrote (from JavaScript, `Atomics` do that).

#![allow(unsafe_code)]

use crate::arith::group::{Group, group_count};
use crate::memory::buffer::{OutOfMemory, reserved};
use crate::memory::gradient::GradientDtype;
use crate::memory::gradient_view::GradientView;
use crate::memory::variable::{Variable, Variables};
use crate::step::call::Call;
use crate::step::optimizer::Optimizer;
use crate::step::slots::Slots;
use crate::step::state::State;
use crate::threads::chunked_step::{ChunkedStep, Phase};
use crate::threads::plan::ChunkPlan;
use alloc::vec::Vec;
use core::ops::Range;
use core::ptr::null_mut;

/// Addresses of a variable's arrays during one step, each of `len` elements.
struct RawArrays {
    len: usize,
    value: *mut Group,
    gradient: *const Group,
    dtype: GradientDtype,
    slots: Slots<*mut Group>,
}

// SAFETY: the pointers are followed only in the functions below, whose contracts speak of all threads.
unsafe impl Sync for RawArrays {}

impl RawArrays {
    /// `None` if the slots are those of a variable of another length.
    fn new(variable: &mut Variable, state: &mut State) -> Option<Self> {
        let len = variable.value().len();
        if state.slots.all().into_iter().flatten().any(|slot| slot.as_slice().len() != len) {
            return None;
        }
        let slots = state.slots.each_mut();
        Some(Self {
            len,
            value: variable.value.groups_mut().as_mut_ptr(),
            gradient: variable.gradient.buffer.groups().as_ptr(),
            dtype: variable.gradient.dtype,
            slots: slots.map(|slot| slot.as_mut().map_or(null_mut(), |slot| slot.groups_mut().as_mut_ptr())),
        })
    }

    /// These groups of the gradient.
    ///
    /// # Safety
    /// The arrays live for `'a`, and nobody writes to these groups meanwhile.
    unsafe fn gradient_view<'a>(&self, range: &Range<usize>) -> GradientView<'a> {
        // SAFETY: by this function's contract; a group of float32s is aligned for the two of 16 bits in its memory.
        unsafe {
            match self.dtype {
                GradientDtype::Float32 => GradientView::Float32(self.slice(self.gradient, range)),
                GradientDtype::Float16 => GradientView::Float16(self.slice(self.gradient.cast(), range)),
                GradientDtype::Bfloat16 => GradientView::Bfloat16(self.slice(self.gradient.cast(), range)),
            }
        }
    }

    /// These groups of the accumulator, if there is one.
    ///
    /// # Safety
    /// The arrays live for `'a`, and nobody writes to these groups meanwhile.
    unsafe fn accumulator<'a>(&self, range: &Range<usize>) -> Option<&'a [Group]> {
        let start = self.slots.gradient_accumulator.cast_const();
        // SAFETY: by this function's contract.
        (!start.is_null()).then(|| unsafe { self.slice(start, range) })
    }

    /// These groups of all arrays that are written to: values and slots.
    ///
    /// # Safety
    /// The arrays live for `'a`, and nobody else reads or writes these groups meanwhile.
    unsafe fn written<'a>(&self, range: &Range<usize>) -> (&'a mut [Group], Slots<Option<&'a mut [Group]>>) {
        assert!(range.start <= range.end && range.end <= group_count(self.len));
        let slice = |start: *mut Group| {
            // SAFETY: by this function's contract. No two of the arrays overlap: each is a buffer of its own.
            unsafe { core::slice::from_raw_parts_mut(start.add(range.start), range.len()) }
        };
        (slice(self.value), self.slots.map(|slot| (!slot.is_null()).then(|| slice(slot))))
    }

    /// # Safety
    /// `start` is one of the arrays, which lives for `'a`, and nobody writes to these groups of it meanwhile.
    unsafe fn slice<'a, T>(&self, start: *const T, range: &Range<usize>) -> &'a [T] {
        assert!(range.start <= range.end && range.end <= group_count(self.len));
        // SAFETY: by this function's contract, and within the array.
        unsafe { core::slice::from_raw_parts(start.add(range.start), range.len()) }
    }
}

/// An optimizer's steps, done by several threads at once.
pub struct SharedStep {
    step: ChunkedStep,
    /// For each variable, as of this step.
    arrays: Vec<RawArrays>,
}

impl SharedStep {
    /// The chunks of this optimizer's steps; `None` if they are not worth cutting.
    ///
    /// # Errors
    /// [`OutOfMemory`] if there is no room for the lists.
    pub fn new(optimizer: &Optimizer, variables: &Variables, plan: ChunkPlan) -> Result<Option<Self>, OutOfMemory> {
        let Some(step) = ChunkedStep::new(optimizer, variables, plan)? else { return Ok(None) };
        Ok(Some(Self { step, arrays: reserved(optimizer.states.len())? }))
    }

    /// What is known of the step.
    pub fn chunked_step(&self) -> &ChunkedStep {
        &self.step
    }

    /// Begins a step. [`Phase::Over`]: this one is for [`Optimizer::apply`], because there is little to do, a variable is
    /// not there any more, or these are not the variables that were cut.
    pub fn begin(&mut self, optimizer: &mut Optimizer, variables: &mut Variables, call: Call) -> Phase {
        self.arrays.clear();
        let is_small = self.step.is_small(optimizer, variables, call);
        if is_small || optimizer.validate(variables).is_err() {
            return self.step.cancel();
        }
        for state in &mut optimizer.states {
            let arrays = variables.get_mut(state.variable).and_then(|variable| RawArrays::new(variable, state));
            let Some(arrays) = arrays else { return self.step.cancel() };
            self.arrays.push(arrays);
        }
        if !self.step.chunks().fit(self.arrays.iter().map(|arrays| arrays.len)) {
            return self.step.cancel();
        }
        self.step.start(optimizer, call)
    }

    /// Goes on when all chunks of the phase are done.
    pub fn next_phase(&mut self, optimizer: &mut Optimizer) -> Phase {
        self.step.advance(optimizer)
    }

    /// Runs one chunk of the current phase.
    ///
    /// # Safety
    /// `phase` is what the last call of [`begin`](Self::begin) or [`next_phase`](Self::next_phase) returned, and each chunk is
    /// run once in it. From that call until all chunks are done, the optimizer and its variables live and are not used
    /// otherwise. Neither `begin` nor `next_phase` runs while a `run` does, and all threads see what each of them wrote.
    pub unsafe fn run(&self, phase: Phase, chunk: usize) {
        for (index, piece) in self.step.chunks().pieces_of(chunk) {
            let (arrays, range) = (&self.arrays[piece.variable], piece.group_range());
            // SAFETY: the arrays live and are not used otherwise, by this function's contract; no other chunk has a piece with
            // one of these groups, and no other variable has one of these arrays: an optimizer has no variable twice. The
            // gradient is no array that is written to.
            unsafe {
                match phase {
                    Phase::Over => {}
                    Phase::Gather => {
                        self.step.gather_piece(piece, arrays.gradient_view(&range), arrays.accumulator(&range));
                    }
                    Phase::Update => {
                        self.step.update_piece(index, piece, arrays.gradient_view(&range), arrays.written(&range));
                    }
                }
            }
        }
    }
}

/// One chunk, for the host's threads: [`SharedStep::run`] of the step at this address. It allocates nothing and touches no
/// `Global`.
///
/// # Safety
/// That of [`SharedStep::run`]; the address is that of a living [`SharedStep`], to which this makes a reference: nobody has a
/// `&mut` to it meanwhile.
#[cfg(target_arch = "wasm32")]
#[wasm_bindgen::prelude::wasm_bindgen]
pub unsafe fn run_chunk(step: usize, phase: u32, chunk: u32) {
    // SAFETY: by this function's contract.
    unsafe {
        let step = &*core::ptr::with_exposed_provenance::<SharedStep>(step);
        step.run(Phase::from_code(phase), chunk as usize);
    }
}
