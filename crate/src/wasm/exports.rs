//! The functions exported from the WebAssembly module: numbers in, numbers out.
//!
//! Objects are known by handles, arrays by their addresses in linear memory, outcomes by [`Status`] codes. No strings, no
//! classes, no imports: the wrapper needs no glue at run time, and any host can run the module. A handle that does not
//! exist (any more) is reported, never followed: there is no `unsafe` here.
//!
//! Each instance of the module is one [`Instance`] with its own memory. Handle 0 stands for "none".

use crate::config::Hyperparameters;
use crate::memory::buffer::OutOfMemory;
use crate::memory::gradient::GradientDtype;
use crate::memory::slot_map::{Handle, SlotMap};
use crate::memory::variable::{Variable, Variables};
use crate::platform::Global;
use crate::rule::loss_scale::LossScale;
use crate::step::call::Call;
use crate::step::optimizer::Optimizer;
use crate::step::overrides::Override;
use crate::step::slots::Slot;
use crate::wasm::status::{MAX_ITERATIONS, Status};
use alloc::vec::Vec;
use wasm_bindgen::prelude::wasm_bindgen;

/// An optimizer before it is built: its hyper-parameters, and the variables it will be built for.
struct UnbuiltOptimizer {
    hyperparameters: Hyperparameters,
    variables: Vec<Handle>,
}

struct BuiltOptimizer {
    optimizer: Optimizer,
    /// Bytes of memory that are booked for it.
    bytes: usize,
}

enum AnyOptimizer {
    Unbuilt(UnbuiltOptimizer),
    Built(BuiltOptimizer),
}

/// Bytes of memory in use, and the most there may be.
struct Ledger {
    used: usize,
    limit: usize,
}

impl Ledger {
    /// Runs `allocate`, which takes `bytes`, if the limit allows, and books them if it succeeds.
    fn book<T, E: From<OutOfMemory>>(&mut self, bytes: usize, allocate: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
        let used = self.used.checked_add(bytes).filter(|&used| used <= self.limit).ok_or(OutOfMemory)?;
        let allocated = allocate()?;
        self.used = used;
        Ok(allocated)
    }
}

pub struct Instance {
    variables: Variables,
    optimizers: SlotMap<AnyOptimizer>,
    pub loss_scales: SlotMap<LossScale>,
    ledger: Ledger,
}

impl Instance {
    pub fn built(&mut self, optimizer: Handle) -> Option<(&mut Optimizer, &mut Variables)> {
        match self.optimizers.get_mut(optimizer) {
            Some(AnyOptimizer::Built(built)) => Some((&mut built.optimizer, &mut self.variables)),
            _ => None,
        }
    }
}

static INSTANCE: Global<Instance> = Global::new(Instance {
    variables: SlotMap::new(),
    optimizers: SlotMap::new(),
    loss_scales: SlotMap::new(),
    ledger: Ledger { used: 0, limit: usize::MAX },
});

/// No export calls another or the host, so the instance is never borrowed twice.
pub fn with_instance<T>(work: impl FnOnce(&mut Instance) -> T) -> T {
    INSTANCE.with(work)
}

fn status_code(result: Result<Status, Status>) -> u32 {
    result.unwrap_or_else(|status| status).code()
}

/// [`Status::Done`] if the optimizer, row, position or index was there, else [`Status::NotFound`].
fn found(found: Option<bool>) -> u32 {
    status_code(if found == Some(true) { Ok(Status::Done) } else { Err(Status::NotFound) })
}

fn address(array: Option<&[f32]>) -> usize {
    array.map_or(0, |array| array.as_ptr() as usize)
}

/// Limits the linear memory to `bytes`: arrays that would not fit under it are refused.
#[wasm_bindgen]
pub fn memory_limit(bytes: u32) {
    const PAGE: usize = 65_536;
    // Memory grows by whole pages, so that there may be one more than what is booked.
    let taken = (core::arch::wasm32::memory_size(0) + 1) * PAGE;
    with_instance(|instance| instance.ledger.limit = (bytes as usize).saturating_sub(taken));
}

/// Grows the linear memory so that arrays of `bytes` in all fit without growing it again.
#[wasm_bindgen]
pub fn memory_reserve(bytes: u32) -> u32 {
    let mut room = Vec::<u8>::new();
    status_code(room.try_reserve_exact(bytes as usize).map_or(Err(Status::OutOfMemory), |()| Ok(Status::Done)))
}

/// A variable of `size` zeros with a gradient of zeros, whose type has number `gradient_dtype`. The handle, or 0 if there
/// is no room.
#[wasm_bindgen]
pub fn variable_create(size: u32, overwrite_with_gradient: bool, gradient_dtype: u32) -> u32 {
    with_instance(|Instance { variables, ledger, .. }| {
        let dtype = GradientDtype::ALL.get(gradient_dtype as usize).copied().unwrap_or_default();
        let bytes = Variable::bytes(size as usize, dtype).ok_or(OutOfMemory)?;
        ledger.book(bytes, || {
            let variable = Variable::zeroed_with(size as usize, dtype)?;
            variables.insert(if overwrite_with_gradient { variable.overwritten_with_gradient() } else { variable })
        })
    })
    .unwrap_or(0)
}

/// Address of a variable's values, 0 if it does not exist.
#[wasm_bindgen]
pub fn variable_value(variable: u32) -> usize {
    with_instance(|instance| address(instance.variables.get(variable).map(Variable::value)))
}

/// Address of a variable's gradient, 0 if it does not exist.
#[wasm_bindgen]
pub fn variable_gradient(variable: u32) -> usize {
    with_instance(|instance| {
        address(instance.variables.get(variable).map(|variable| variable.gradient.buffer.as_slice()))
    })
}

/// Gives a variable's memory back. Optimizers built with it report it as freed from then on.
#[wasm_bindgen]
pub fn variable_free(variable: u32) {
    with_instance(|instance| {
        if let Some(removed) = instance.variables.remove(variable) {
            instance.ledger.used -= removed.own_bytes();
        }
    });
}

/// An optimizer with Keras' defaults and no variables yet. The handle, or 0 if there is no room.
#[wasm_bindgen]
pub fn optimizer_create() -> u32 {
    let unbuilt = UnbuiltOptimizer { hyperparameters: Hyperparameters::default(), variables: Vec::new() };
    with_instance(|instance| instance.optimizers.insert(AnyOptimizer::Unbuilt(unbuilt))).unwrap_or(0)
}

/// Sets the hyper-parameter in row `row` of the generated table; `NaN` means `null`.
#[wasm_bindgen]
pub fn optimizer_set(optimizer: u32, row: u32, number: f64) -> u32 {
    found(with_instance(|instance| match instance.optimizers.get_mut(optimizer)? {
        AnyOptimizer::Unbuilt(unbuilt) => Some(unbuilt.hyperparameters.set(row as usize, number)),
        AnyOptimizer::Built(built) => Some(built.optimizer.hyperparameters_mut().set(row as usize, number)),
    }))
}

/// Adds a variable to an optimizer that is not built yet.
#[wasm_bindgen]
pub fn optimizer_add(optimizer: u32, variable: u32) -> u32 {
    status_code(with_instance(|instance| {
        let Some(AnyOptimizer::Unbuilt(unbuilt)) = instance.optimizers.get_mut(optimizer) else {
            return Err(Status::NotFound);
        };
        unbuilt.variables.try_reserve(1).map_err(|_| Status::OutOfMemory)?;
        unbuilt.variables.push(variable);
        Ok(Status::Done)
    }))
}

/// Allocates the optimizer's state, at zero.
#[wasm_bindgen]
pub fn optimizer_build(optimizer: u32) -> u32 {
    status_code(with_instance(|Instance { variables, optimizers, ledger, .. }| {
        let entry = optimizers.get_mut(optimizer).ok_or(Status::NotFound)?;
        let AnyOptimizer::Unbuilt(UnbuiltOptimizer { hyperparameters, variables: handles }) = entry else {
            return Err(Status::NotFound);
        };
        let bytes = Optimizer::bytes(hyperparameters, handles, variables)?;
        let optimizer = ledger.book(bytes, || Optimizer::build(hyperparameters.clone(), handles, variables))?;
        *entry = AnyOptimizer::Built(BuiltOptimizer { optimizer, bytes });
        Ok(Status::Done)
    }))
}

/// Address of the state in slot number `slot` for the variable built as number `index`, 0 if it is not kept.
#[wasm_bindgen]
pub fn optimizer_slot(optimizer: u32, slot: u32, index: u32) -> usize {
    with_instance(|instance| {
        let (built, _) = instance.built(optimizer)?;
        Some(address(built.slot(*Slot::ALL.get(slot as usize)?, index as usize)))
    })
    .unwrap_or(0)
}

/// Address of what the last call did, float32 numbers that stay there; 0 if the optimizer is not built. `gradient_norm`: from now
/// on steps compute the norm of the gradients even if no option needs it.
#[wasm_bindgen]
pub fn optimizer_watch(optimizer: u32, gradient_norm: bool) -> usize {
    with_instance(|instance| {
        let (built, _) = instance.built(optimizer)?;
        built.measure_norm(gradient_norm);
        Some(core::ptr::from_ref(built.last_step()) as usize)
    })
    .unwrap_or(0)
}

/// Puts the variable built as number `index` at `position` of the next call's selection.
#[wasm_bindgen]
pub fn optimizer_select(optimizer: u32, position: u32, index: u32) -> u32 {
    found(with_instance(|instance| Some(instance.built(optimizer)?.0.select(position as usize, index as usize))))
}

/// Sets all overrides of the variable built as number `index`: what its learning rate is multiplied by, whether weight decay
/// applies and with which λ (`NaN`: the optimizer's), and whether it is trained.
#[wasm_bindgen]
pub fn optimizer_override(
    optimizer: u32,
    index: u32,
    learning_rate_multiplier: f64,
    decays: bool,
    weight_decay: f32,
    trainable: bool,
) -> u32 {
    let weight_decay = (!weight_decay.is_nan()).then_some(weight_decay);
    let overrides = Override { learning_rate_multiplier, decays, weight_decay, trainable };
    found(with_instance(|instance| Some(instance.built(optimizer)?.0.set_override(index as usize, overrides))))
}

/// Calls so far, including those that only accumulated.
#[wasm_bindgen]
pub fn optimizer_raw_iterations(optimizer: u32) -> u32 {
    with_instance(|instance| instance.built(optimizer).map_or(0, |(built, _)| built.raw_iterations()))
}

/// Updates so far.
#[wasm_bindgen]
pub fn optimizer_iterations(optimizer: u32) -> u32 {
    with_instance(|instance| instance.built(optimizer).map_or(0, |(built, _)| built.iterations()))
}

/// Sets the count of calls, to resume.
#[wasm_bindgen]
pub fn optimizer_set_raw_iterations(optimizer: u32, raw_iterations: u32) {
    with_instance(|instance| {
        if let Some((built, _)) = instance.built(optimizer) {
            built.set_raw_iterations(raw_iterations);
        }
    });
}

/// One more call would give a count that no file can hold.
pub fn check_count(optimizer: &Optimizer) -> Result<(), Status> {
    if optimizer.raw_iterations() < MAX_ITERATIONS { Ok(()) } else { Err(Status::IterationLimit) }
}

/// One step, under a loss scale if that is not 0, with the gradients of the first `count` selected variables, or of all if that is
/// negative.
#[wasm_bindgen]
pub fn optimizer_step(optimizer: u32, loss_scale: u32, learning_rate: f32, count: i32) -> u32 {
    status_code(with_instance(|Instance { variables, optimizers, loss_scales, .. }| {
        let scale = loss_scales.get_mut(loss_scale);
        if loss_scale != 0 && scale.is_none() {
            return Err(Status::NotFound);
        }
        let Some(AnyOptimizer::Built(built)) = optimizers.get_mut(optimizer) else { return Err(Status::NotFound) };
        check_count(&built.optimizer)?;
        let call = Call { learning_rate, loss_scale: None, selected: usize::try_from(count).ok() };
        let finite = built.optimizer.apply_with(variables, scale, call).map_err(|_| Status::FreedVariable)?;
        Ok(if finite { Status::Done } else { Status::Skipped })
    }))
}

/// Sets every variable to its average.
#[wasm_bindgen]
pub fn optimizer_finalize(optimizer: u32) -> u32 {
    status_code(with_instance(|instance| {
        let (built, variables) = instance.built(optimizer).ok_or(Status::NotFound)?;
        built.finalize(variables).map_err(|_| Status::FreedVariable)?;
        Ok(Status::Done)
    }))
}

/// Gives an optimizer's memory back; its variables stay.
#[wasm_bindgen]
pub fn optimizer_free(optimizer: u32) {
    with_instance(|instance| {
        if let Some(AnyOptimizer::Built(built)) = instance.optimizers.remove(optimizer) {
            instance.ledger.used -= built.bytes;
        }
    });
}

/// A dynamic loss scale within `[minimum, maximum]`. The handle, or 0 if there is no room.
#[wasm_bindgen]
pub fn loss_scale_create(initial: f32, growth_steps: i32, minimum: f32, maximum: f32) -> u32 {
    with_instance(|instance| instance.loss_scales.insert(LossScale::new(initial, growth_steps, minimum, maximum)))
        .unwrap_or(0)
}

/// The current scale.
#[wasm_bindgen]
pub fn loss_scale_value(loss_scale: u32) -> f32 {
    with_instance(|instance| instance.loss_scales.get(loss_scale).map_or(f32::NAN, |scale| scale.scale))
}

/// Finite steps since the scale last changed.
#[wasm_bindgen]
pub fn loss_scale_counter(loss_scale: u32) -> i32 {
    with_instance(|instance| instance.loss_scales.get(loss_scale).map_or(0, |scale| scale.counter))
}

/// Sets scale and counter, to resume.
#[wasm_bindgen]
pub fn loss_scale_set(loss_scale: u32, value: f32, counter: i32) {
    with_instance(|instance| {
        if let Some(scale) = instance.loss_scales.get_mut(loss_scale) {
            scale.scale = value;
            scale.counter = counter;
        }
    });
}

/// Gives a loss scale's memory back.
#[wasm_bindgen]
pub fn loss_scale_free(loss_scale: u32) {
    with_instance(|instance| instance.loss_scales.remove(loss_scale));
}
