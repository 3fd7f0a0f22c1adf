//! The update of a block whose numbers may be subnormal, and what tells such blocks.

use crate::arith::group::{Group, apply_with, flat};
use crate::arith::lanes::{Careful, SAFE_EXPONENT};
use crate::arith::subnormal::{Exponent, SMALLEST, any_below, shrinks};
use crate::rule::rmsprop::Coefficients;
use crate::rule::weight_decay::decay_carefully;
use crate::step::fused::{Block, update_apart, update_rule};

/// [`update`](crate::step::fused::update), for gradients and state that may be subnormal. `still` is that of the coefficients.
pub fn update_carefully(c: &Coefficients, still: StillBounds, gradient: &[Group], block: Block<'_>) {
    // The other mixtures get no care: they are for runs that go on, not for speed on numbers next to 0.
    if !c.are_keras {
        return update_apart::<false>(c, gradient, block);
    }
    if let Some(weight_decay) = block.weight_decay {
        decay_carefully(block.value, weight_decay, c.eta);
    }
    let is_frozen = is_frozen(*c, still, gradient, &block);
    let Block { value, velocity, average_gradient, momentum, average, .. } = block;
    if !is_frozen {
        update_rule::<Careful, true>(c, 1.0, gradient, (value, velocity), (average_gradient, momentum));
    } else if let Some(momentum) = momentum {
        apply_with(value, momentum, |w: f32, m| w - m);
    }
    if let Some((average, averages)) = average {
        average.update_carefully(averages, value);
    }
}

/// Bounds below which multiplying by ρ or μ rounds a subnormal number back to itself. Known once, used for many blocks: it takes
/// as long as a tenth of one.
#[derive(Clone, Copy, Debug)]
pub struct StillBounds {
    rho: u32,
    momentum: u32,
}

impl StillBounds {
    /// For these factors.
    pub fn new(c: &Coefficients) -> Self {
        Self { rho: still_bound(c.rho), momentum: still_bound(c.momentum) }
    }
}

/// `factor · n·2⁻¹⁴⁹` rounds back to `n·2⁻¹⁴⁹` if n·|1 − factor| < 1/2. The smallest n for which that fails; 0 if the factor is
/// not finite.
fn still_bound(factor: f32) -> u32 {
    const NORMAL: f64 = (1 << 23) as f64;
    if factor.is_finite() { libm::ceil(0.5 / (1.0 - f64::from(factor)).abs()).min(NORMAL) as u32 } else { 0 }
}

/// Whether the block ends where it began but for w: all gradients are +0, and the state has decayed until it rounds back to
/// itself. Where gradients have stopped for good, this saves all products, roots and divisions.
fn is_frozen(c: Coefficients, still: StillBounds, gradient: &[Group], block: &Block<'_>) -> bool {
    let vanishes = |factor: f32| factor.is_finite() && factor.is_sign_positive();
    // With ε like this the denominator is above 0, and +0 / √d = +0.
    gradient.first().is_some_and(|g| g.0[0].to_bits() == 0)
        && c.epsilon >= f32::MIN_POSITIVE
        && vanishes(c.one_minus_rho)
        && vanishes(c.eta)
        && flat(gradient).iter().fold(0, |any, g| any | g.to_bits()) == 0
        && is_still(block.velocity, still.rho)
        && block.momentum.as_deref().is_none_or(|m| is_still(m, still.momentum))
        && block.average_gradient.as_deref().is_none_or(|a| is_still(a, still.rho))
}

/// Whether the magnitudes of all numbers are below these bits, and none is -0, which would become +0, by adding +0.
#[inline(never)]
fn is_still(state: &[Group], bound: u32) -> bool {
    const SIGN: u32 = 1 << 31;
    let (mut largest, mut nearest_to_minus_zero) = (0, u32::MAX);
    for x in flat(state) {
        largest = largest.max(x.to_bits() & !SIGN);
        nearest_to_minus_zero = nearest_to_minus_zero.min(x.to_bits() ^ SIGN);
    }
    largest < bound && nearest_to_minus_zero != 0
}

/// Whether a product of the rule may be subnormal for these arrays; the gradients are made smaller by 2^`shrunk` before.
pub fn is_delicate(
    c: Coefficients,
    (gradient, shrunk): (&[Group], Exponent),
    velocity: &[Group],
    momentum: Option<&[Group]>,
    average_gradient: Option<&[Group]>,
) -> bool {
    let fresh = shrinks(c.one_minus_rho);
    // For (1-ρ)·g²; for ((1-ρ)·g)², which is a² if a was 0; and for η·g / √d.
    let squares = SMALLEST / 2 - if average_gradient.is_some() { fresh } else { fresh.div_euclid(2) };
    let bound = squares.max(SAFE_EXPONENT - shrinks(c.eta)) - shrunk;
    any_below(velocity, SMALLEST - shrinks(c.rho))
        || any_below(gradient, bound)
        || momentum.is_some_and(|m| any_below(m, SMALLEST - shrinks(c.momentum)))
        || average_gradient.is_some_and(|a| any_below(a, SMALLEST / 2 - shrinks(c.rho)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Hyperparameters;
    use crate::arith::group::grouped;
    use crate::rule::rmsprop::{Element, denominator};
    use crate::step::fused::update;
    use crate::testing::{bits, graded_float};
    use proptest::prelude::*;

    fn carefully(c: &Coefficients, gradient: &[Group], block: Block<'_>) {
        update_carefully(c, StillBounds::new(c), gradient, block);
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
        /// No element that [`is_delicate`] lets pass costs a detour, if no average cancels.
        #[test]
        fn what_is_not_delicate_takes_no_detour(
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
            let delicate = is_delicate(c, (&gradient, 0), &velocity, buffer, average);
            let element = Element { value: 1.0, velocity: v, average_gradient: a, momentum: m };
            if !delicate {
                prop_assert_eq!(detours(c, g, element, centered, momentum), 0);
            }
        }

        /// Numbers of usual size, and zeros, are never delicate.
        #[test]
        fn usual_numbers_are_not_delicate(
            x in prop::collection::vec(prop_oneof![9 => -10.0f32..10.0, 1 => Just(0.0f32)], 1..70),
            scale in -8i32..1,
        ) {
            let c = Coefficients::new(&Hyperparameters { momentum: 0.9, ..Hyperparameters::default() }, 1e-3);
            let g: Vec<f32> = x.iter().map(|x| x * 10f32.powi(scale)).collect();
            let v: Vec<f32> = g.iter().map(|g| g * g).collect();
            let [g, v] = [g, v].map(|x| grouped(&x));
            prop_assert!(!is_delicate(c, (&g, 0), &v, Some(&g), Some(&g)));
        }

        /// A product of a factor with a number below the bound is that number.
        #[test]
        fn still_numbers_stay(factor in prop_oneof![Just(0.9f32), Just(0.99), 0.0f32..1.01], n: u32) {
            let bound = still_bound(factor);
            prop_assert!(bound <= 1 << 23);
            for n in [0, bound.saturating_sub(1), n % bound.max(1)] {
                prop_assert_eq!((factor * f32::from_bits(n)).to_bits(), if bound == 0 { 0 } else { n });
            }
        }

        /// Blocks that are frozen, or nearly, end with the bits of the plain loop.
        #[test]
        fn frozen_blocks_have_the_same_bits(
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
            prop_assert_eq!(run(update), run(carefully));
        }
    }
}
