//! The loops that carry the update rule over a block, and with it whatever else needs no look at other elements.
//!
//! The rule keeps the divider busy and little else. What is done meanwhile takes next to no time, but in loops of its own
//! 0.02 to 0.06 ns per parameter. So there is a loop for each of the mixtures that is worth one, and the compiler writes them.

use crate::arith::group::{Group, SIMD, flat, flat_mut};
use crate::arith::lanes::{Number, places};
use crate::rule::ema::Average;
use crate::rule::rmsprop::{Coefficients, Element, rmsprop};
use crate::rule::weight_decay::{decay, decayed};

/// Whether all of it is done in one loop. In the JavaScript form, which is read whole before it runs, the loops for that would
/// be 2 kB of gzip, and no divider is waited for.
pub const TOGETHER: bool = SIMD;

/// A block of parameters and state, as many groups of each array; `None` for a slot that is not in use.
pub struct Block<'a> {
    /// w
    pub value: &'a mut [Group],
    /// v
    pub velocity: &'a mut [Group],
    /// a, if centered
    pub average_gradient: Option<&'a mut [Group]>,
    /// m, with momentum
    pub momentum: Option<&'a mut [Group]>,
    /// What the gradient is multiplied by first; 1, which changes no number, if by nothing, or not [`TOGETHER`].
    pub factor: f32,
    /// λ, with weight decay
    pub weight_decay: Option<f32>,
    /// The moving average of w
    pub average: Option<(Average, &'a mut [Group])>,
}

/// Updates a block with its gradient: weight decay, the rule, and the moving average.
#[inline]
pub fn update(c: &Coefficients, g: &[Group], block: Block<'_>) {
    if !c.are_keras {
        return update_apart::<false>(c, g, block);
    }
    if !TOGETHER {
        return update_apart::<true>(c, g, block);
    }
    let Block { value: w, velocity: v, average_gradient, momentum, factor, weight_decay, average } = block;
    let state = (average_gradient, momentum);
    match (weight_decay, average) {
        (None, None) => mixture::<f32, false, false, true>(c, (factor, 0.0, Average::OFF), g, w, v, state, &mut []),
        (Some(decay), None) => {
            mixture::<f32, true, false, true>(c, (factor, decay, Average::OFF), g, w, v, state, &mut []);
        }
        (decay, Some((average, averages))) => {
            if let Some(decay) = decay {
                mixture::<f32, true, true, true>(c, (factor, decay, average), g, w, v, state, averages);
            } else {
                mixture::<f32, false, true, true>(c, (factor, 0.0, average), g, w, v, state, averages);
            }
            average.overwrite(averages, w);
        }
    }
}

/// [`update`] with what is beside the rule in loops of its own. Also where ε or η is in `PyTorch`'s place: that is rarely used,
/// and twelve more loops would be a kilobyte.
#[inline(never)]
pub fn update_apart<const KERAS: bool>(c: &Coefficients, g: &[Group], block: Block<'_>) {
    let Block { value: w, velocity, average_gradient, momentum, factor, weight_decay, average } = block;
    if let Some(weight_decay) = weight_decay {
        decay::<f32>(w, weight_decay, c.eta);
    }
    update_rule::<f32, KERAS>(c, factor, g, (w, velocity), (average_gradient, momentum));
    if let Some((average, averages)) = average {
        average.update::<f32>(averages, w);
    }
}

/// [`update`] for the rule alone.
#[inline]
pub fn update_rule<N: Number, const KERAS: bool>(
    c: &Coefficients,
    factor: f32,
    g: &[Group],
    (w, v): (&mut [Group], &mut [Group]),
    state: (Option<&mut [Group]>, Option<&mut [Group]>),
) {
    mixture::<N, false, false, KERAS>(c, (factor, 0.0, Average::OFF), g, w, v, state, &mut []);
}

/// [`update_rule`] in Keras' form, as part of the caller: 1,000 tensors of 8 take 0.7 of the time that they take with a call for
/// each.
#[expect(clippy::inline_always, reason = "see above")]
#[inline(always)]
pub fn update_in_place(
    c: &Coefficients,
    factor: f32,
    g: &[Group],
    (w, v): (&mut [Group], &mut [Group]),
    (average_gradient, momentum): (Option<&mut [Group]>, Option<&mut [Group]>),
) {
    let alone = (factor, 0.0, Average::OFF);
    match (average_gradient, momentum) {
        (None, None) => each::<f32, false, false, false, false, true>(c, alone, g, w, v, &mut [], &mut [], &mut []),
        (None, Some(m)) => each::<f32, false, true, false, false, true>(c, alone, g, w, v, &mut [], m, &mut []),
        (Some(a), None) => each::<f32, true, false, false, false, true>(c, alone, g, w, v, a, &mut [], &mut []),
        (Some(a), Some(m)) => each::<f32, true, true, false, false, true>(c, alone, g, w, v, a, m, &mut []),
    }
}

/// What is multiplied by before the rule, λ, and the average's scalars.
type Around = (f32, f32, Average);

#[inline]
fn mixture<N: Number, const DECAY: bool, const AVERAGE: bool, const KERAS: bool>(
    c: &Coefficients,
    around: Around,
    g: &[Group],
    w: &mut [Group],
    v: &mut [Group],
    (average_gradient, momentum): (Option<&mut [Group]>, Option<&mut [Group]>),
    averages: &mut [Group],
) {
    match (average_gradient, momentum) {
        (None, None) => {
            called::<N, false, false, DECAY, AVERAGE, KERAS>(c, around, g, w, v, &mut [], &mut [], averages);
        }
        (None, Some(m)) => called::<N, false, true, DECAY, AVERAGE, KERAS>(c, around, g, w, v, &mut [], m, averages),
        (Some(a), None) => called::<N, true, false, DECAY, AVERAGE, KERAS>(c, around, g, w, v, a, &mut [], averages),
        (Some(a), Some(m)) => called::<N, true, true, DECAY, AVERAGE, KERAS>(c, around, g, w, v, a, m, averages),
    }
}

/// [`each`] as a function of its own: there is one for each mixture, and several places that need it.
#[expect(clippy::too_many_arguments, reason = "as `each`")]
#[inline(never)]
fn called<
    N: Number,
    const CENTERED: bool,
    const MOMENTUM: bool,
    const DECAY: bool,
    const AVERAGE: bool,
    const KERAS: bool,
>(
    c: &Coefficients,
    around: Around,
    g: &[Group],
    w: &mut [Group],
    v: &mut [Group],
    a: &mut [Group],
    m: &mut [Group],
    averages: &mut [Group],
) {
    each::<N, CENTERED, MOMENTUM, DECAY, AVERAGE, KERAS>(c, around, g, w, v, a, m, averages);
}

/// The loop. The slices are cut to one length first, so that the compiler sees no bounds to check.
#[expect(clippy::too_many_arguments, reason = "arguments of their own: arrays that the compiler knows not to overlap")]
#[expect(clippy::inline_always, reason = "into `called` and `update_in_place`")]
#[inline(always)]
fn each<
    N: Number,
    const CENTERED: bool,
    const MOMENTUM: bool,
    const DECAY: bool,
    const AVERAGE: bool,
    const KERAS: bool,
>(
    c: &Coefficients,
    (factor, weight_decay, average): Around,
    gradient: &[Group],
    value: &mut [Group],
    velocity: &mut [Group],
    average_gradient: &mut [Group],
    momentum: &mut [Group],
    averages: &mut [Group],
) {
    let (gradient, way) = (flat(gradient), N::way());
    let len = gradient.len();
    let value = &mut flat_mut(value)[..len];
    let velocity = &mut flat_mut(velocity)[..len];
    let average_gradient = &mut flat_mut(average_gradient)[..if CENTERED { len } else { 0 }];
    let momentum = &mut flat_mut(momentum)[..if MOMENTUM { len } else { 0 }];
    let averages = &mut flat_mut(averages)[..if AVERAGE { len } else { 0 }];
    // Carefully, gradients are clipped before: the factor would be one more detour.
    let multiplies = TOGETHER && N::ELEMENTS == 1;
    debug_assert!(multiplies || factor == 1.0);
    for i in places::<N>(len) {
        let g = N::read(gradient, i, way);
        let g = if multiplies { g * factor } else { g };
        let w = N::read(value, i, way);
        let element = Element {
            value: if DECAY { decayed(w, weight_decay, c.eta) } else { w },
            velocity: N::read(velocity, i, way),
            // What is not there is not looked at.
            average_gradient: if CENTERED { N::read(average_gradient, i, way) } else { g },
            momentum: if MOMENTUM { N::read(momentum, i, way) } else { g },
        };
        let element = rmsprop::<N, CENTERED, MOMENTUM, KERAS>(*c, g, element);
        element.value.write(value, i);
        element.velocity.write(velocity, i);
        if CENTERED {
            element.average_gradient.write(average_gradient, i);
        }
        if MOMENTUM {
            element.momentum.write(momentum, i);
        }
        if AVERAGE {
            average.next(N::read(averages, i, way), element.value).write(averages, i);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Hyperparameters;
    use crate::arith::group::grouped;
    use crate::config::{EpsilonMode, MomentumMode};
    use crate::step::subnormal_update::{StillBounds, update_carefully};
    use crate::testing::{any_float, bits};
    use proptest::prelude::*;

    /// The rule for one element, with decay before it and the average after it.
    fn element(
        c: &Coefficients,
        (centered, momentum): (bool, bool),
        weight_decay: Option<f32>,
        average: Average,
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
        let mean = average.next(mean, e.value);
        [if average.overwrites { mean } else { e.value }, e.velocity, e.average_gradient, e.momentum, mean]
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
            let average = iteration.map(|iteration| Average::at(iteration, 0.99, overwrites.then_some(1)));
            let rows: Vec<[f32; 5]> = (elements.iter())
                .map(|&e| element(&c, (centered, momentum), weight_decay, average.unwrap_or(Average::OFF), e))
                .collect();
            let column = |place: usize| grouped(&elements.iter().map(|e| e[place]).collect::<Vec<_>>());
            let careful = |c: &Coefficients, g: &[Group], block: Block<'_>| {
                update_carefully(c, StillBounds::new(c), g, block);
            };
            for step in [&update as &dyn Fn(&Coefficients, &[Group], Block<'_>), &careful] {
                let [mut w, mut v, mut a, mut m, mut mean] = [1, 2, 3, 4, 5].map(column);
                step(&c, &column(0), Block {
                    value: &mut w,
                    velocity: &mut v,
                    average_gradient: centered.then_some(&mut a[..]),
                    momentum: momentum.then_some(&mut m[..]),
                    factor: 1.0,
                    weight_decay,
                    average: average.map(|average| (average, &mut mean[..])),
                });
                for (i, row) in rows.iter().enumerate() {
                    let found = [&w, &v, &a, &m, &mean].map(|x| bits(flat(x)[i]));
                    let mut expected = row.map(bits);
                    if average.is_none() {
                        expected[4] = bits(elements[i][5]);
                    }
                    prop_assert_eq!(found, expected);
                }
            }
        }
    }
}
