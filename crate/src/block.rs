//! The loops that carry the update rule over a block, and with it whatever else needs no look at other elements.
//!
//! The rule keeps the divider busy and little else. What is done meanwhile takes next to no time, but in loops of its own
//! 0.02 to 0.06 ns per parameter. So there is a loop for each of the mixtures that is worth one, and the compiler writes them.

use crate::average::Average;
use crate::decay::{decay, decayed};
use crate::lanes::{Group, SIMD, flat, flat_mut};
use crate::update::{Coefficients, Element, rmsprop};

/// Whether all of it is done in one loop. In the JavaScript form, which is read whole before it runs, the loops for that would
/// be 2 kB of gzip, and no divider is waited for.
const TOGETHER: bool = SIMD;

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
    let Block { value, velocity, average_gradient, momentum, weight_decay, average } = block;
    update_with::<true>(c, g, (value, velocity), (average_gradient, momentum), weight_decay, average);
}

/// [`update`] for the rule alone.
#[expect(clippy::inline_always, reason = "a call per tensor: 1,000 tensors of 8 take 1.1 times as long")]
#[inline(always)]
pub fn update_alone<const KERAS: bool>(
    c: &Coefficients,
    g: &[Group],
    written: (&mut [Group], &mut [Group]),
    state: (Option<&mut [Group]>, Option<&mut [Group]>),
) {
    update_with::<KERAS>(c, g, written, state, None, None);
}

#[expect(clippy::inline_always, reason = "as `update_alone`, of which what is not there falls away")]
#[inline(always)]
fn update_with<const KERAS: bool>(
    c: &Coefficients,
    g: &[Group],
    (w, v): (&mut [Group], &mut [Group]),
    (average_gradient, momentum): (Option<&mut [Group]>, Option<&mut [Group]>),
    decay: Option<f32>,
    average: Option<(Average, &mut [Group])>,
) {
    match (average_gradient, momentum) {
        (None, None) => mixture::<false, false, KERAS>(c, g, w, v, &mut [], &mut [], decay, average),
        (None, Some(m)) => mixture::<false, true, KERAS>(c, g, w, v, &mut [], m, decay, average),
        (Some(a), None) => mixture::<true, false, KERAS>(c, g, w, v, a, &mut [], decay, average),
        (Some(a), Some(m)) => mixture::<true, true, KERAS>(c, g, w, v, a, m, decay, average),
    }
}

#[expect(clippy::too_many_arguments, reason = "arguments of their own: arrays that the compiler knows not to overlap")]
#[expect(clippy::inline_always, reason = "as `update_with`")]
#[inline(always)]
fn mixture<const CENTERED: bool, const MOMENTUM: bool, const KERAS: bool>(
    c: &Coefficients,
    g: &[Group],
    w: &mut [Group],
    v: &mut [Group],
    a: &mut [Group],
    m: &mut [Group],
    decay: Option<f32>,
    average: Option<(Average, &mut [Group])>,
) {
    match (decay, average) {
        (None, None) => {
            each::<CENTERED, MOMENTUM, false, false, KERAS>(c, 0.0, Average::OFF, g, w, v, a, m, &mut []);
        }
        (Some(lambda), None) => {
            each::<CENTERED, MOMENTUM, true, false, KERAS>(c, lambda, Average::OFF, g, w, v, a, m, &mut []);
        }
        (decay, Some((average, averages))) => {
            if let Some(lambda) = decay {
                each::<CENTERED, MOMENTUM, true, true, KERAS>(c, lambda, average, g, w, v, a, m, averages);
            } else {
                each::<CENTERED, MOMENTUM, false, true, KERAS>(c, 0.0, average, g, w, v, a, m, averages);
            }
            average.overwrite(averages, w);
        }
    }
}

/// [`update`] with what is beside the rule in loops of its own. Also where ε or η is in `PyTorch`'s place: that is rarely used,
/// and twelve more loops would be a kilobyte.
#[inline(never)]
pub fn update_apart<const KERAS: bool>(c: &Coefficients, g: &[Group], block: Block<'_>) {
    let Block { value: w, velocity, average_gradient, momentum, weight_decay, average } = block;
    if let Some(weight_decay) = weight_decay {
        decay(w, weight_decay, c.eta);
    }
    update_alone::<KERAS>(c, g, (w, velocity), (average_gradient, momentum));
    if let Some((average, averages)) = average {
        average.update(averages, w);
    }
}

/// The loop. The slices are cut to one length first, so that the compiler sees no bounds to check.
#[expect(clippy::too_many_arguments, reason = "as `mixture`")]
#[inline(never)]
fn each<const CENTERED: bool, const MOMENTUM: bool, const DECAY: bool, const AVERAGE: bool, const KERAS: bool>(
    c: &Coefficients,
    weight_decay: f32,
    average: Average,
    gradient: &[Group],
    value: &mut [Group],
    velocity: &mut [Group],
    average_gradient: &mut [Group],
    momentum: &mut [Group],
    averages: &mut [Group],
) {
    let gradient = flat(gradient);
    let len = gradient.len();
    let value = &mut flat_mut(value)[..len];
    let velocity = &mut flat_mut(velocity)[..len];
    let average_gradient = &mut flat_mut(average_gradient)[..if CENTERED { len } else { 0 }];
    let momentum = &mut flat_mut(momentum)[..if MOMENTUM { len } else { 0 }];
    let averages = &mut flat_mut(averages)[..if AVERAGE { len } else { 0 }];
    for i in 0..len {
        let element = Element {
            value: if DECAY { decayed(value[i], weight_decay, c.eta) } else { value[i] },
            velocity: velocity[i],
            average_gradient: if CENTERED { average_gradient[i] } else { 0.0 },
            momentum: if MOMENTUM { momentum[i] } else { 0.0 },
        };
        let element = rmsprop::<CENTERED, MOMENTUM, KERAS>(*c, gradient[i], element);
        value[i] = element.value;
        velocity[i] = element.velocity;
        if CENTERED {
            average_gradient[i] = element.average_gradient;
        }
        if MOMENTUM {
            momentum[i] = element.momentum;
        }
        if AVERAGE {
            averages[i] = average.next(averages[i], element.value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Hyperparameters;
    use crate::careful::{StillBounds, update_carefully};
    use crate::config::{EpsilonMode, MomentumMode};
    use crate::lanes::grouped;
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
            (false, false, true) => rmsprop::<false, false, true>,
            (false, true, true) => rmsprop::<false, true, true>,
            (true, false, true) => rmsprop::<true, false, true>,
            (true, true, true) => rmsprop::<true, true, true>,
            (false, false, false) => rmsprop::<false, false, false>,
            (false, true, false) => rmsprop::<false, true, false>,
            (true, false, false) => rmsprop::<true, false, false>,
            (true, true, false) => rmsprop::<true, true, false>,
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
