//! The update of a block whose arithmetic may underflow, by way of float64; and the tests that find such blocks.
//!
//! Each function here has the bits of its plain twin in `fused.rs` or `unfused.rs`: it is only faster on such numbers.

use crate::arith::divisor::Divisor;
use crate::arith::f32_via_f64::{F32ViaF64, SAFE_EXPONENT};
use crate::arith::group::{Group, flat, update_each_with};
use crate::arith::subnormal::{Exponent, MIN_NORMAL, any_below, exponent_loss};
use crate::rule::clip::Clip;
use crate::rule::ema::Ema;
use crate::rule::rmsprop::Coefficients;
use crate::step::fused::{Block, update_rule, update_unfused};
use crate::step::gradient_scaling::GradientScaling;
use crate::step::unfused::{clip_block, decay_block, update_ema};

/// [`update_block`](crate::step::fused::update_block). `bounds` are those of the coefficients.
pub fn update_via_f64(c: &Coefficients, bounds: FixedPointBounds, gradient: &[Group], block: Block<'_>) {
    // PyTorch's modes get no such care: they are for runs that go on, not for speed on numbers next to 0.
    if !c.are_keras {
        return update_unfused::<false>(c, gradient, block);
    }
    if let Some(weight_decay) = block.weight_decay {
        decay_via_f64(block.value, weight_decay, c.eta);
    }
    let is_fixed_point = is_fixed_point(*c, bounds, gradient, &block);
    let Block { value, velocity, average_gradient, momentum, average, .. } = block;
    if !is_fixed_point {
        update_rule::<F32ViaF64, true>(c, 1.0, gradient, (value, velocity), (average_gradient, momentum));
    } else if let Some(momentum) = momentum {
        update_each_with(value, momentum, |w: f32, m| w - m);
    }
    if let Some((ema, average)) = average {
        ema_via_f64(ema, average, value);
    }
}

/// [`clip_block`]
pub fn clip_via_f64<'a>(clip: Clip, gradient: &'a [Group], scratch: &'a mut [Group]) -> &'a [Group] {
    if any_below(gradient, MIN_NORMAL - clip_exponent_loss(clip)) {
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

/// Whether products of the rule may be subnormal for these arrays; the gradients lose `loss` before.
pub fn rule_may_underflow(
    c: Coefficients,
    (gradient, loss): (&[Group], Exponent),
    velocity: &[Group],
    momentum: Option<&[Group]>,
    average_gradient: Option<&[Group]>,
) -> bool {
    let fresh = exponent_loss(c.one_minus_rho);
    // For (1-ρ)·g²; for ((1-ρ)·g)², which is a² if a was 0; and for η·g / √d.
    let squares = MIN_NORMAL / 2 - if average_gradient.is_some() { fresh } else { fresh.div_euclid(2) };
    let bound = squares.max(SAFE_EXPONENT - exponent_loss(c.eta)) - loss;
    any_below(velocity, MIN_NORMAL - exponent_loss(c.rho))
        || any_below(gradient, bound)
        || momentum.is_some_and(|m| any_below(m, MIN_NORMAL - exponent_loss(c.momentum)))
        || average_gradient.is_some_and(|a| any_below(a, MIN_NORMAL / 2 - exponent_loss(c.rho)))
}

/// Bounds below which multiplying by ρ or μ rounds a subnormal number back to itself. Computed once for many blocks: it takes as
/// long as a tenth of one.
#[derive(Clone, Copy, Debug)]
pub struct FixedPointBounds {
    rho: u32,
    momentum: u32,
}

impl FixedPointBounds {
    /// For these factors.
    pub fn new(c: &Coefficients) -> Self {
        Self { rho: fixed_point_bound(c.rho), momentum: fixed_point_bound(c.momentum) }
    }
}

/// `factor · n·2⁻¹⁴⁹` rounds back to `n·2⁻¹⁴⁹` if n·|1 − factor| < 1/2. The smallest n for which that fails; 0 if the factor is
/// not finite.
fn fixed_point_bound(factor: f32) -> u32 {
    const NORMAL: f64 = (1 << 23) as f64;
    if factor.is_finite() { libm::ceil(0.5 / (1.0 - f64::from(factor)).abs()).min(NORMAL) as u32 } else { 0 }
}

/// Whether the block ends where it began but for w: all gradients are +0, and the state has decayed until it rounds back to
/// itself. Where gradients have stopped for good, this saves all products, roots and divisions.
fn is_fixed_point(c: Coefficients, bounds: FixedPointBounds, gradient: &[Group], block: &Block<'_>) -> bool {
    let keeps_zero = |factor: f32| factor.is_finite() && factor.is_sign_positive();
    // With ε like this the denominator is above 0, and +0 / √d = +0.
    gradient.first().is_some_and(|g| g.0[0].to_bits() == 0)
        && c.epsilon >= f32::MIN_POSITIVE
        && keeps_zero(c.one_minus_rho)
        && keeps_zero(c.eta)
        && flat(gradient).iter().fold(0, |any, g| any | g.to_bits()) == 0
        && all_below(block.velocity, bounds.rho)
        && block.momentum.as_deref().is_none_or(|m| all_below(m, bounds.momentum))
        && block.average_gradient.as_deref().is_none_or(|a| all_below(a, bounds.rho))
}

/// Whether the magnitudes of all numbers are below these bits, and none is -0, which would become +0, by adding +0.
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
    use crate::testing::{bits, graded_float};
    use proptest::prelude::*;

    fn via_f64(c: &Coefficients, gradient: &[Group], block: Block<'_>) {
        update_via_f64(c, FixedPointBounds::new(c), gradient, block);
    }

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
        let v = times(c.rho, e.velocity) + times(c.one_minus_rho, square);
        let mut d = v + c.epsilon;
        if centered {
            let a = times(c.rho, e.average_gradient) + times(c.one_minus_rho, g);
            d = denominator(v, times(a, a), c.epsilon);
        }
        if momentum {
            times(c.momentum, e.momentum);
        }
        let x = times(c.eta, g);
        let root = note([d, 1.0], d.sqrt());
        note([x, root], x / root);
        count
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]
        /// No element that [`rule_may_underflow`] lets pass costs a detour, if no average cancels.
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
            let [gradient, velocity, buffer, average] = [g, v, m, a].map(|x| grouped(&[x]));
            let (buffer, average) = (momentum.then_some(&*buffer), centered.then_some(&*average));
            let may_underflow = rule_may_underflow(c, (&gradient, 0), &velocity, buffer, average);
            let element = Element { value: 1.0, velocity: v, average_gradient: a, momentum: m };
            if !may_underflow {
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
            let [g, v] = [g, v].map(|x| grouped(&x));
            prop_assert!(!rule_may_underflow(c, (&g, 0), &v, Some(&g), Some(&g)));
        }

        /// A product of a factor with a number below the bound is that number.
        #[test]
        fn fixed_points_stay(factor in prop_oneof![Just(0.9f32), Just(0.99), 0.0f32..1.01], n: u32) {
            let bound = fixed_point_bound(factor);
            prop_assert!(bound <= 1 << 23);
            for n in [0, bound.saturating_sub(1), n % bound.max(1)] {
                prop_assert_eq!((factor * f32::from_bits(n)).to_bits(), if bound == 0 { 0 } else { n });
            }
        }

        /// Blocks that are fixed points, or nearly, end with the bits of the plain loop.
        #[test]
        fn fixed_points_have_the_same_bits(
            state in prop::collection::vec((0u32..7, 0u32..7, 0u32..7, any::<[bool; 3]>()), 4..70),

            gradient in prop_oneof![3 => Just(0.0f32), 1 => Just(-0.0f32), 1 => Just(1e-3f32)],
            eta in prop_oneof![3 => Just(1e-3f32), 1 => Just(0.0f32), 1 => Just(-1e-3f32), 1 => Just(f32::INFINITY)],
            epsilon in prop_oneof![3 => Just(1e-7), 1 => Just(0.0), 1 => Just(f64::NAN)],
            rho in prop_oneof![3 => Just(0.9), 1 => Just(1.0), 1 => Just(1.5), 1 => Just(0.0), 1 => Just(f64::INFINITY)],
            centered in any::<bool>(),
            momentum in any::<bool>(),
        ) {
            let momentum_factor = if rho > 1.0 { 1.5 } else { 0.9 };
            let c = Coefficients::new(&Hyperparameters {
                rho: rho.min(1.0),
                epsilon,
                momentum: momentum_factor,
                ..Hyperparameters::default()
            }, eta);
            let signed = |n: u32, negative: bool| f32::from_bits(n | u32::from(negative) << 31);
            let g = grouped(&vec![gradient; state.len()]);
            let [v, m, a, w] = [
                state.iter().map(|s| signed(s.0, s.3[0] && s.0 > 5)).collect(),
                state.iter().map(|s| signed(s.1, s.3[1])).collect(),
                state.iter().map(|s| signed(s.2, s.3[2])).collect(),
                state.iter().map(|s| signed(s.1, s.3[2])).collect(),
            ].map(|x: Vec<f32>| grouped(&x));
            let run = |step: fn(&Coefficients, &[Group], Block<'_>)| {
                let [mut w, mut v, mut m, mut a] = [&w, &v, &m, &a].map(Clone::clone);
                step(&c, &g, Block {
                    value: &mut w,
                    velocity: &mut v,
                    average_gradient: centered.then_some(&mut a[..]),
                    momentum: momentum.then_some(&mut m[..]),
                    factor: 1.0,
                    weight_decay: None,
                    average: None,
                });
                flat(&[w, v, m, a].concat()).iter().copied().map(bits).collect::<Vec<_>>()
            };
            prop_assert_eq!(run(update_block), run(via_f64));
        }
    }
}
