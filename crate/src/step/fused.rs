//! The loops that carry the update rule over a block, and with it what surrounds the rule element by element.
//!
//! The rule keeps the divider busy and little else. Weight decay, the average and a factor cost next to nothing in its loop, but
//! 0.02 to 0.06 ns per parameter each in loops of their own. So there are sixteen loops: centered or not, with momentum or not,
//! with weight decay or not, with the average or not. The compiler writes them out from one.

use crate::arith::group::{Group, SIMD, flat, flat_mut};
use crate::arith::lanes::{Lanes, indices};
use crate::rule::ema::Ema;
use crate::rule::rmsprop::{Coefficients, Element, rmsprop};
use crate::rule::weight_decay::decayed;
use crate::step::unfused::{decay_block, overwrite_with_ema, update_ema};

/// Whether all of it is done in one loop. The JavaScript backend is parsed whole before it runs: the loops would add 2 kB
/// of gzip, and there is no divider to wait for.
pub const FUSED: bool = SIMD;

/// A block of parameters and state, with the same number of groups of each array; `None` for a slot that is not in use.
pub struct Block<'a> {
    /// w
    pub value: &'a mut [Group],
    /// v
    pub velocity: &'a mut [Group],
    /// a, if centered
    pub average_gradient: Option<&'a mut [Group]>,
    /// m, with momentum
    pub momentum: Option<&'a mut [Group]>,
    /// The gradient's factor; 1, which changes no bit, if there is none, and without [`FUSED`].
    pub factor: f32,
    /// λ, with weight decay
    pub weight_decay: Option<f32>,
    /// The moving average of w
    pub average: Option<(Ema, &'a mut [Group])>,
}

/// What surrounds the rule in its loop: a factor for gradients, λ, and the average's scalars.
type Extras = (f32, f32, Ema);

/// Updates a block with its gradient: weight decay, the rule, and the moving average.
#[inline]
pub fn update_block(c: &Coefficients, g: &[Group], block: Block<'_>) {
    if !c.are_keras {
        return update_unfused::<false>(c, g, block);
    }
    if !FUSED {
        return update_unfused::<true>(c, g, block);
    }
    let Block { value: w, velocity: v, average_gradient, momentum, factor, weight_decay, average } = block;
    let state = (average_gradient, momentum);
    match (weight_decay, average) {
        (None, None) => dispatch::<f32, false, false, true>(c, (factor, 0.0, Ema::OFF), g, w, v, state, &mut []),
        (Some(decay), None) => {
            dispatch::<f32, true, false, true>(c, (factor, decay, Ema::OFF), g, w, v, state, &mut []);
        }
        (decay, Some((ema, average))) => {
            if let Some(decay) = decay {
                dispatch::<f32, true, true, true>(c, (factor, decay, ema), g, w, v, state, average);
            } else {
                dispatch::<f32, false, true, true>(c, (factor, 0.0, ema), g, w, v, state, average);
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
    let Block { value: w, velocity, average_gradient, momentum, factor, weight_decay, average } = block;
    if let Some(weight_decay) = weight_decay {
        decay_block::<f32>(w, weight_decay, c.eta);
    }
    update_rule::<f32, KERAS>(c, factor, g, (w, velocity), (average_gradient, momentum));
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
    (w, v): (&mut [Group], &mut [Group]),
    state: (Option<&mut [Group]>, Option<&mut [Group]>),
) {
    dispatch::<L, false, false, KERAS>(c, (factor, 0.0, Ema::OFF), g, w, v, state, &mut []);
}

/// [`update_rule`] in Keras' form as part of the caller, without a call per tensor: without it, steps are 3.8× slower on 1,000
/// tensors of 8, 1.17× on four small ones, 1.09× on one of 256.
#[expect(clippy::inline_always, reason = "see above")]
#[inline(always)]
pub fn update_rule_inlined(
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
    v: &mut [Group],
    (average_gradient, momentum): (Option<&mut [Group]>, Option<&mut [Group]>),
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
