//! The update of a block with small numbers, and the tests that find such blocks.
//!
//! Each function here gives the bits of its counterpart in `fused.rs` or `unfused.rs`: it is only faster on small numbers.

use crate::arith::decay::Decay;
use crate::arith::divisor::Divisor;
use crate::arith::f32_via_f64::{F32ViaF64, SAFE_EXPONENT};
use crate::arith::group::{Group, flat, update_each_with};
use crate::arith::stuck::MaybeStuck;
use crate::arith::subnormal::{Exponent, MIN_NORMAL, SmallNumbers, any_below, any_between, exponent_loss};
use crate::rule::clip::Clip;
use crate::rule::ema::Ema;
use crate::rule::rmsprop::Coefficients;
use crate::step::fused::{Block, State, update_rule, update_unfused};
use crate::step::gradient_scaling::GradientScaling;
use crate::step::unfused::{clip_block, decay_block, update_ema};

/// [`update_block`](crate::step::fused::update_block) by way of float64.
pub fn update_via_f64(c: &Coefficients, gradient: &[Group], block: Block<'_>) {
    // PyTorch's modes have no faster update: they are for runs that go on, not for speed on numbers next to 0.
    if !c.are_keras {
        return update_unfused::<false>(c, gradient, block);
    }
    let Block { value, state, weight_decay, average, .. } = block;
    if let Some(weight_decay) = weight_decay {
        decay_via_f64(value, weight_decay, c.eta);
    }
    update_rule::<F32ViaF64, true>(c, 1.0, gradient, value, state);
    if let Some((ema, average)) = average {
        ema_via_f64(ema, average, value);
    }
}

/// [`update_block`](crate::step::fused::update_block) where state is stuck: as fast as on other numbers, and faster where a whole
/// block is.
#[inline(never)]
pub fn update_stuck(c: &Coefficients, gradient: &[Group], block: Block<'_>) {
    if !c.are_keras {
        return update_unfused::<false>(c, gradient, block);
    }
    if let Some(weight_decay) = block.weight_decay {
        decay_block::<f32>(block.value, weight_decay, c.eta);
    }
    let is_fixed_point = is_fixed_point(c, gradient, &block);
    let Block { value, state, factor, average, .. } = block;
    if !is_fixed_point {
        update_rule::<MaybeStuck, true>(c, factor, gradient, value, state);
    } else if let Some(momentum) = state.momentum {
        update_each_with(value, momentum, |w: f32, m| w - m);
    }
    if let Some((ema, average)) = average {
        update_ema::<f32>(ema, average, value);
    }
}

/// [`clip_block`]
pub fn clip_via_f64<'a>(clip: Clip, gradient: &'a [Group], scratch: &'a mut [Group]) -> &'a [Group] {
    // Without a multiplication there is nothing to underflow.
    let may_underflow = !matches!(clip, Clip::Off | Clip::Value(_));
    if may_underflow && any_below(gradient, MIN_NORMAL - clip_exponent_loss(clip)) {
        clip_block::<F32ViaF64>(clip, gradient, scratch)
    } else {
        clip_block::<f32>(clip, gradient, scratch)
    }
}

/// [`decay_block`]
fn decay_via_f64(value: &mut [Group], weight_decay: f32, learning_rate: f32) {
    if decay_may_underflow(value, weight_decay, learning_rate) {
        decay_block::<F32ViaF64>(value, weight_decay, learning_rate);
    } else {
        decay_block::<f32>(value, weight_decay, learning_rate);
    }
}

/// [`update_ema`]
pub fn ema_via_f64(ema: Ema, average: &mut [Group], value: &mut [Group]) {
    if ema_may_underflow(ema, average, value) {
        update_ema::<F32ViaF64>(ema, average, value);
    } else {
        update_ema::<f32>(ema, average, value);
    }
}

/// How much smaller gradients become before they are clipped.
pub fn scaling_exponent_loss(scaling: &GradientScaling) -> Exponent {
    let by = |divisor: Option<Divisor>| divisor.map_or(0, |divisor| exponent_loss(divisor.reciprocal()));
    by(scaling.loss_scale) + by(scaling.steps)
}

/// How much smaller gradients become by clipping.
pub fn clip_exponent_loss(clip: Clip) -> Exponent {
    match clip {
        Clip::Off | Clip::Value(_) => 0,
        Clip::Norm { threshold, divisor } => exponent_loss(threshold) + exponent_loss(1.0 / divisor),
        Clip::Factor(factor) => exponent_loss(factor),
    }
}

/// Whether products of weight decay may be subnormal.
pub fn decay_may_underflow(value: &[Group], weight_decay: f32, learning_rate: f32) -> bool {
    any_below(value, MIN_NORMAL - exponent_loss(weight_decay) - exponent_loss(learning_rate))
}

/// Whether products of the moving average may be subnormal.
pub fn ema_may_underflow(ema: Ema, average: &[Group], value: &[Group]) -> bool {
    any_below(average, MIN_NORMAL - exponent_loss(ema.momentum))
        || any_below(value, MIN_NORMAL - exponent_loss(1.0 - ema.momentum))
}

/// Whether products of the rule with these gradients may be subnormal, after a multiplication that lowers their exponents by
/// `loss`.
pub fn gradient_may_underflow(c: &Coefficients, gradient: &[Group], loss: Exponent, centered: bool) -> bool {
    let fresh = exponent_loss(c.one_minus_rho);
    // For (1-ρ)·g²; for ((1-ρ)·g)², which is a² if a was 0; and for η·g / √d.
    let squares = MIN_NORMAL / 2 - if centered { fresh } else { fresh.div_euclid(2) };
    any_below(gradient, squares.max(SAFE_EXPONENT - exponent_loss(c.eta)) - loss)
}

/// Which of these numbers make products of the rule subnormal; `loss` is that of [`gradient_may_underflow`].
pub fn small_numbers(
    c: &Coefficients,
    (gradient, loss): (&[Group], Exponent),
    State { velocity, average_gradient, momentum }: &State<'_>,
) -> SmallNumbers {
    if gradient_may_underflow(c, gradient, loss, average_gradient.is_some()) {
        return SmallNumbers::Any;
    }
    let of = |state: &[Group], decay: Decay, normal: Exponent| {
        let bound = normal - exponent_loss(decay.factor);
        if !any_below(state, bound) {
            SmallNumbers::None
        } else if any_between(state, decay.stuck_below().max(1), bound) {
            SmallNumbers::Any
        } else {
            SmallNumbers::Stuck
        }
    };
    let of_momentum = |m| of(m, c.momentum, MIN_NORMAL);
    let of_average = |a| of(a, c.rho, MIN_NORMAL / 2);
    of(velocity, c.rho, MIN_NORMAL)
        .max(momentum.as_deref().map_or(SmallNumbers::None, of_momentum))
        .max(average_gradient.as_deref().map_or(SmallNumbers::None, of_average))
}

/// Whether the update changes nothing but w: all gradients are +0, and all state is stuck. Where gradients have stopped
/// for good, this saves all products, roots and divisions.
fn is_fixed_point(c: &Coefficients, gradient: &[Group], block: &Block<'_>) -> bool {
    let keeps_zero = |factor: f32| factor.is_finite() && factor.is_sign_positive();
    // With ε like this the denominator is above 0, and +0 / √d = +0.
    c.epsilon >= f32::MIN_POSITIVE
        && keeps_zero(c.one_minus_rho)
        && keeps_zero(c.eta)
        && keeps_zero(block.factor)
        && gradient.iter().all(|g| g.0.iter().fold(0, |any, g| any | g.to_bits()) == 0)
        && all_below(block.state.velocity, c.rho.stuck_below())
        && block.state.momentum.as_deref().is_none_or(|m| all_below(m, c.momentum.stuck_below()))
        && block.state.average_gradient.as_deref().is_none_or(|a| all_below(a, c.rho.stuck_below()))
}

/// Whether all magnitudes are below these bits, and no number is -0: adding +0 would make it +0.
#[inline(never)]
fn all_below(state: &[Group], bound: u32) -> bool {
    const SIGN: u32 = 1 << 31;
    let (mut largest, mut nearest_to_minus_zero) = (0, u32::MAX);
    for x in flat(state) {
        largest = largest.max(x.to_bits() & !SIGN);
        nearest_to_minus_zero = nearest_to_minus_zero.min(x.to_bits() ^ SIGN);
    }
    largest < bound && nearest_to_minus_zero != 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arith::group::grouped;
    use crate::config::Hyperparameters;
    use crate::rule::rmsprop::{Element, denominator};
    use crate::step::fused::update_block;
    use crate::testing::{any_float, bits, graded_float};
    use proptest::prelude::*;

    /// Every product, quotient and root of the rule for one element that has a subnormal operand or result, or one that is 0
    /// only because it underflowed: what takes some processors into microcode.
    fn detours(c: Coefficients, g: f32, e: Element, centered: bool, momentum: bool) -> usize {
        let mut count = 0;
        let mut note = |operands: [f32; 2], result: f32| {
            let underflowed = result == 0.0 && operands.iter().all(|&x| x != 0.0 && x.is_finite());
            count += usize::from(underflowed || result.is_subnormal() || operands.iter().any(|x| x.is_subnormal()));
            result
        };
        let mut times = |x: f32, y: f32| note([x, y], x * y);
        let square = times(g, g);
        let v = times(c.rho.factor, e.velocity) + times(c.one_minus_rho, square);
        let mut d = v + c.epsilon;
        if centered {
            let a = times(c.rho.factor, e.average_gradient) + times(c.one_minus_rho, g);
            d = denominator(v, times(a, a), c.epsilon);
        }
        if momentum {
            times(c.momentum.factor, e.momentum);
        }
        let x = times(c.eta, g);
        let root = note([d, 1.0], d.sqrt());
        note([x, root], x / root);
        count
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]
        /// No element that [`small_numbers`] lets pass costs a detour, if no average cancels.
        #[test]
        fn what_cannot_underflow_takes_no_detour(
            (g, v, m, a) in (graded_float(), graded_float(), graded_float(), graded_float()),
            rho in prop_oneof![Just(0.9), Just(0.99), 0.0..1.0],
            eta in prop_oneof![Just(1e-3f32), 1e-6f32..10.0, Just(0.0)],
            centered: bool,
            momentum: bool,
        ) {
            let c = Coefficients::new(&Hyperparameters { rho, momentum: 0.9, ..Hyperparameters::default() }, eta);
            let v = v.abs();
            let a = if a * g < 0.0 { -a } else { a };
            let [gradient, mut velocity, mut buffer, mut average] = [g, v, m, a].map(|x| grouped(&[x]));
            let small = small_numbers(&c, (&gradient, 0), &State {
                velocity: &mut velocity,
                average_gradient: centered.then_some(&mut average[..]),
                momentum: momentum.then_some(&mut buffer[..]),
            });
            // Stuck state takes part in no multiplication.
            let live = |x: f32, decay: Decay| if x.abs().to_bits() < decay.stuck_below() { 0.0 } else { x };
            let [v, a, m] = [live(v, c.rho), live(a, c.rho), live(m, c.momentum)];
            let element = Element { value: 1.0, velocity: v, average_gradient: a, momentum: m };
            if small != SmallNumbers::Any {
                prop_assert_eq!(detours(c, g, element, centered, momentum), 0);
            }
        }

        /// Numbers of usual size, and zeros, cannot underflow.
        #[test]
        fn usual_numbers_cannot_underflow(
            x in prop::collection::vec(prop_oneof![9 => -10.0f32..10.0, 1 => Just(0.0f32)], 1..70),
            scale in -8i32..1,
        ) {
            let c = Coefficients::new(&Hyperparameters { momentum: 0.9, ..Hyperparameters::default() }, 1e-3);
            let g: Vec<f32> = x.iter().map(|x| x * 10f32.powi(scale)).collect();
            let v: Vec<f32> = g.iter().map(|g| g * g).collect();
            let [g, mut v] = [g, v].map(|x| grouped(&x));
            let [mut a, mut m] = [g.clone(), g.clone()];
            let state = State { velocity: &mut v, average_gradient: Some(&mut a), momentum: Some(&mut m) };
            prop_assert_eq!(small_numbers(&c, (&g, 0), &state), SmallNumbers::None);
        }

        /// Whichever small numbers a block has, it ends with the bits of the plain loop: stuck state beside usual numbers, zeros of
        /// both signs, numbers at the bounds.
        #[test]
        fn small_numbers_have_the_same_bits(
            elements in prop::collection::vec((any_gradient(), [any_state(), any_state(), any_state(), any_state()]), 4..70),
            dead: bool,
            eta in prop::sample::select(vec![1e-3f32, 1e-3, 0.0, -0.0, -1e-3, 1e-40, f32::INFINITY]),
            epsilon in prop::sample::select(vec![1e-7, 1e-7, 0.0, 1e-40, -1e-3, f64::NAN]),
            rho in any_factor(),
            momentum in prop::option::of(any_factor()),
            factor in prop::sample::select(vec![1.0f32, 1.0, 0.125, -1.0, 0.0, f32::NAN]),
            weight_decay in prop::option::of(prop::sample::select(vec![0.0f32, 0.01, 1e-30])),
            average: bool,
            centered: bool,
        ) {
            let c = Coefficients::new(&Hyperparameters {
                rho,
                epsilon,
                momentum: momentum.unwrap_or(0.0),
                ..Hyperparameters::default()
            }, eta);
            let gradient: Vec<f32> = elements.iter().map(|e| if dead { 0.0 } else { e.0 }).collect();
            let g = grouped(&gradient);
            let scaled = grouped(&flat(&g).iter().map(|g| g * factor).collect::<Vec<_>>());
            let [w, v, a, m] = [0, 1, 2, 3].map(|i| grouped(&elements.iter().map(|e| e.1[i]).collect::<Vec<_>>()));
            let run = |step: fn(&Coefficients, &[Group], Block<'_>), g: &[Group], factor: f32| {
                let [mut w, mut v, mut a, mut m, mut mean] = [&w, &v, &a, &m, &w].map(Clone::clone);
                step(&c, g, Block {
                    value: &mut w,
                    state: State {
                        velocity: &mut v,
                        average_gradient: centered.then_some(&mut a[..]),
                        momentum: momentum.map(|_| &mut m[..]),
                    },
                    factor,
                    weight_decay,
                    average: average.then_some((Ema::new(1, 0.9, None), &mut mean[..])),
                });
                flat(&[w, v, a, m, mean].concat()).iter().copied().map(bits).collect::<Vec<_>>()
            };
            let expected = run(update_block, &g, factor);
            prop_assert_eq!(&run(update_stuck, &g, factor), &expected);
            prop_assert_eq!(&run(update_via_f64, &scaled, 1.0), &expected);
        }
    }

    fn any_gradient() -> impl Strategy<Value = f32> {
        prop_oneof![4 => Just(0.0f32), 1 => Just(-0.0f32), 2 => -1.0f32..1.0, 1 => any_float()]
    }

    /// Stuck, nearly, or not.
    fn any_state() -> impl Strategy<Value = f32> {
        let stuck = (0u32..7, any::<bool>()).prop_map(|(n, negative)| f32::from_bits(n | u32::from(negative) << 31));
        prop_oneof![4 => stuck, 1 => (0u32..1 << 24).prop_map(f32::from_bits), 2 => -1.0f32..1.0, 1 => any_float()]
    }

    fn any_factor() -> impl Strategy<Value = f64> {
        prop_oneof![
            prop::sample::select(vec![
                0.9,
                0.99,
                0.0,
                -0.0,
                0.5,
                0.75,
                1.0,
                1.0 - 1e-8,
                1.0 + 2e-7,
                1.5,
                f64::INFINITY,
                f64::NAN
            ]),
            0.0..1.01,
        ]
    }
}
