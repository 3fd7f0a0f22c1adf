//! The loops that carry the update rule over a block, and with it what surrounds the rule element by element.
//!
//! The rule keeps the divider busy and little else. Weight decay, the average and a factor cost next to nothing in its loop, but
//! 0.02 to 0.06 ns per parameter each in loops of their own. So there are sixteen loops: centered or not, with momentum or not,
//! with weight decay or not, with the average or not. The compiler writes them out from one.

use crate::arith::group::{Group, flat, flat_mut};
use crate::arith::lanes::{Lanes, indices};
use crate::memory::buffer::Buffer;
use crate::rule::ema::Ema;
use crate::rule::rmsprop::{Coefficients, Element, rmsprop};
use crate::rule::weight_decay::decayed;
use crate::step::arrays::Arrays;
use crate::step::call::{FUSED, Settings};
use crate::step::slots::Slots;
use crate::step::unfused::{decay_block, overwrite_with_ema, update_ema};
use core::ops::Range;

/// The state that the rule updates; `None` for a slot that is not in use.
pub struct State<'a> {
    /// v
    pub velocity: &'a mut [Group],
    /// a, if centered
    pub average_gradient: Option<&'a mut [Group]>,
    /// m, with momentum
    pub momentum: Option<&'a mut [Group]>,
}

/// A block of parameters and state, with the same number of groups of each array.
pub struct Block<'a> {
    /// w
    pub value: &'a mut [Group],
    pub state: State<'a>,
    /// The gradient's factor; 1, which changes no bit, if there is none, and without [`FUSED`].
    pub factor: f32,
    /// λ, with weight decay
    pub weight_decay: Option<f32>,
    /// The moving average of w
    pub average: Option<(Ema, &'a mut [Group])>,
}

impl<'a> Block<'a> {
    /// A range of the arrays in use, and of the accumulator; `None` if there is no velocity.
    #[expect(clippy::inline_always, reason = "a block in memory: 1.4× slower with clipping by value")]
    #[inline(always)]
    pub fn of<S: AsMut<[Group]>>(
        settings: &Settings,
        arrays: &'a mut Arrays<'_, S>,
        range: Range<usize>,
        factor: f32,
        decays: bool,
    ) -> Option<(Self, Option<&'a mut [Group]>)> {
        let Arrays {
            value,
            slots: Slots { average, gradient_accumulator: accumulator, velocity, momentum, average_gradient },
            ..
        } = arrays;
        let block = Self {
            value: &mut value[range.clone()],
            state: State {
                velocity: range_of(velocity, &range)?,
                average_gradient: range_of(average_gradient, &range).filter(|_| settings.coefficients.centered),
                momentum: range_of(momentum, &range).filter(|_| settings.coefficients.has_momentum),
            },
            factor,
            weight_decay: settings.decay(decays),
            average: settings.ema.zip(range_of(average, &range)),
        };
        Some((block, range_of(accumulator, &range).filter(|_| settings.scaling.accumulates())))
    }
}

/// A range of a slot, if it is kept.
#[inline]
pub fn range_of<'a, S: AsMut<[Group]>>(slot: &'a mut Option<S>, range: &Range<usize>) -> Option<&'a mut [Group]> {
    slot.as_mut().map(|slot| &mut slot.as_mut()[range.clone()])
}

/// What surrounds the rule in its loop: a factor for gradients, λ, and the average's scalars.
type Extras = (f32, f32, Ema);

/// Runs the rule as one inlined loop if the variable needs no scan; otherwise does nothing and returns `false`. For settings
/// that are [`inlined`](Settings::inlined_factor).
#[inline]
pub fn step_inlined(settings: &Settings, arrays: Arrays<'_, Buffer>, factor: f32, scan_offset: usize) -> bool {
    let c = &settings.coefficients;
    let Some(gradient) = arrays.gradient_if_no_scan(scan_offset) else { return false };
    // Not by `Block::of`, which looks at all slots: 1.03× slower on 1,000 tensors of 8.
    let Arrays { value, slots: Slots { velocity, momentum, average_gradient, .. }, .. } = arrays;
    // Variables that are overwritten with their gradients have none.
    let Some(velocity) = velocity else { return false };
    let average_gradient = average_gradient.as_mut().filter(|_| c.centered).map(Buffer::groups_mut);
    let momentum = momentum.as_mut().filter(|_| c.has_momentum).map(Buffer::groups_mut);
    let written = (value, velocity.groups_mut());
    update_rule_inlined(c, factor, gradient, written, (average_gradient, momentum));
    true
}

/// Updates a block with its gradient: weight decay, the rule, and the moving average.
#[inline]
pub fn update_block(c: &Coefficients, g: &[Group], block: Block<'_>) {
    if !c.are_keras {
        return update_unfused::<false>(c, g, block);
    }
    if !FUSED {
        return update_unfused::<true>(c, g, block);
    }
    let Block { value: w, state, factor, weight_decay, average } = block;
    match (weight_decay, average) {
        (None, None) => dispatch::<f32, false, false, true>(c, (factor, 0.0, Ema::OFF), g, w, state, &mut []),
        (Some(decay), None) => {
            dispatch::<f32, true, false, true>(c, (factor, decay, Ema::OFF), g, w, state, &mut []);
        }
        (decay, Some((ema, average))) => {
            if let Some(decay) = decay {
                dispatch::<f32, true, true, true>(c, (factor, decay, ema), g, w, state, average);
            } else {
                dispatch::<f32, false, true, true>(c, (factor, 0.0, ema), g, w, state, average);
            }
            overwrite_with_ema(ema, average, w);
        }
    }
}

/// [`update_block`] with a loop each for weight decay, the rule and the average. Also where ε or η is where PyTorch has it: that
/// is rare, and twelve more loops would be a kilobyte. Keras' form has loops without the second ε and η: with them it is 1.04×
/// to 1.09× slower.
#[inline(never)]
pub fn update_unfused<const KERAS: bool>(c: &Coefficients, g: &[Group], block: Block<'_>) {
    let Block { value: w, state, factor, weight_decay, average } = block;
    if let Some(weight_decay) = weight_decay {
        decay_block::<f32>(w, weight_decay, c.eta);
    }
    update_rule::<f32, KERAS>(c, factor, g, w, state);
    if let Some((ema, average)) = average {
        update_ema::<f32>(ema, average, w);
    }
}

/// [`update_block`] for the rule alone.
#[inline]
pub fn update_rule<L: Lanes, const KERAS: bool>(
    c: &Coefficients,
    factor: f32,
    g: &[Group],
    w: &mut [Group],
    state: State<'_>,
) {
    dispatch::<L, false, false, KERAS>(c, (factor, 0.0, Ema::OFF), g, w, state, &mut []);
}

/// [`update_rule`] in Keras' form as part of the caller, without a call per tensor: without it, steps are 3.8× slower on 1,000
/// tensors of 8, 1.17× on four small ones, 1.09× on one of 256.
#[expect(clippy::inline_always, reason = "see above")]
#[inline(always)]
fn update_rule_inlined(
    c: &Coefficients,
    factor: f32,
    g: &[Group],
    (w, v): (&mut [Group], &mut [Group]),
    (average_gradient, momentum): (Option<&mut [Group]>, Option<&mut [Group]>),
) {
    let extras = (factor, 0.0, Ema::OFF);
    match (average_gradient, momentum) {
        (None, None) => {
            fused_loop::<f32, false, false, false, false, true>(c, extras, g, w, v, &mut [], &mut [], &mut []);
        }
        (None, Some(m)) => fused_loop::<f32, false, true, false, false, true>(c, extras, g, w, v, &mut [], m, &mut []),
        (Some(a), None) => fused_loop::<f32, true, false, false, false, true>(c, extras, g, w, v, a, &mut [], &mut []),
        (Some(a), Some(m)) => fused_loop::<f32, true, true, false, false, true>(c, extras, g, w, v, a, m, &mut []),
    }
}

#[inline]
fn dispatch<L: Lanes, const DECAY: bool, const EMA: bool, const KERAS: bool>(
    c: &Coefficients,
    extras: Extras,
    g: &[Group],
    w: &mut [Group],
    State { velocity: v, average_gradient, momentum }: State<'_>,
    average: &mut [Group],
) {
    match (average_gradient, momentum) {
        (None, None) => outlined::<L, false, false, DECAY, EMA, KERAS>(c, extras, g, w, v, &mut [], &mut [], average),
        (None, Some(m)) => outlined::<L, false, true, DECAY, EMA, KERAS>(c, extras, g, w, v, &mut [], m, average),
        (Some(a), None) => outlined::<L, true, false, DECAY, EMA, KERAS>(c, extras, g, w, v, a, &mut [], average),
        (Some(a), Some(m)) => outlined::<L, true, true, DECAY, EMA, KERAS>(c, extras, g, w, v, a, m, average),
    }
}

/// [`fused_loop`] as a function of its own: one for each variant, shared by all callers.
#[expect(clippy::too_many_arguments, reason = "as `fused_loop`")]
#[inline(never)]
fn outlined<
    L: Lanes,
    const CENTERED: bool,
    const MOMENTUM: bool,
    const DECAY: bool,
    const EMA: bool,
    const KERAS: bool,
>(
    c: &Coefficients,
    extras: Extras,
    g: &[Group],
    w: &mut [Group],
    v: &mut [Group],
    a: &mut [Group],
    m: &mut [Group],
    average: &mut [Group],
) {
    fused_loop::<L, CENTERED, MOMENTUM, DECAY, EMA, KERAS>(c, extras, g, w, v, a, m, average);
}

/// The loop. The slices are cut to one length first, so that the compiler sees no bounds to check.
#[expect(clippy::too_many_arguments, reason = "arguments of their own: arrays that the compiler knows not to overlap")]
#[expect(clippy::inline_always, reason = "into `outlined` and `update_rule_inlined`")]
#[inline(always)]
fn fused_loop<
    L: Lanes,
    const CENTERED: bool,
    const MOMENTUM: bool,
    const DECAY: bool,
    const EMA: bool,
    const KERAS: bool,
>(
    c: &Coefficients,
    (factor, weight_decay, ema): Extras,
    gradient: &[Group],
    value: &mut [Group],
    velocity: &mut [Group],
    average_gradient: &mut [Group],
    momentum: &mut [Group],
    average: &mut [Group],
) {
    let (gradient, hidden) = (flat(gradient), L::hide());
    let len = gradient.len();
    let value = &mut flat_mut(value)[..len];
    let velocity = &mut flat_mut(velocity)[..len];
    let average_gradient = &mut flat_mut(average_gradient)[..if CENTERED { len } else { 0 }];
    let momentum = &mut flat_mut(momentum)[..if MOMENTUM { len } else { 0 }];
    let average = &mut flat_mut(average)[..if EMA { len } else { 0 }];
    // By way of float64 gradients are clipped before: the factor would be one more conversion.
    let multiplies = FUSED && L::LANES == 1;
    debug_assert!(multiplies || factor == 1.0);
    for i in indices::<L>(len) {
        let g = L::read(gradient, i, hidden);
        let g = if multiplies { g * factor } else { g };
        let w = L::read(value, i, hidden);
        let element = Element {
            value: if DECAY { decayed(w, weight_decay, c.eta) } else { w },
            velocity: L::read(velocity, i, hidden),
            // A variant does not look at the state it does not have: any number will do.
            average_gradient: if CENTERED { L::read(average_gradient, i, hidden) } else { g },
            momentum: if MOMENTUM { L::read(momentum, i, hidden) } else { g },
        };
        let element = rmsprop::<L, CENTERED, MOMENTUM, KERAS>(*c, g, element);
        element.value.write(value, i);
        element.velocity.write(velocity, i);
        if CENTERED {
            element.average_gradient.write(average_gradient, i);
        }
        if MOMENTUM {
            element.momentum.write(momentum, i);
        }
        if EMA {
            ema.averaged_value(L::read(average, i, hidden), element.value).write(average, i);
        }
    }
}
