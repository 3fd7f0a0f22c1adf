//! What the last call did, for those who watch a run: numbers in memory, which the host reads when it is asked.

use bytemuck::{Pod, Zeroable};
use core::mem::offset_of;

/// What a call did, by its number at the boundary.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "bindings", derive(serde::Serialize, ts_rs::TS))]
#[cfg_attr(feature = "bindings", serde(rename_all = "lowercase"))]
pub enum Outcome {
    /// There was no call yet.
    #[default]
    None,
    /// The variables were updated.
    Updated,
    /// The gradients were added to those of the calls before.
    Accumulated,
    /// A gradient was not finite under a dynamic loss scale: nothing but the scale changed.
    Skipped,
}

impl Outcome {
    /// All outcomes, in order of their numbers.
    pub const ALL: [Self; 4] = [Self::None, Self::Updated, Self::Accumulated, Self::Skipped];
}

/// What the last call that succeeded did. [`UNKNOWN`](Self::UNKNOWN) stands for what was not computed.
#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
#[repr(C)]
pub struct LastStep {
    /// The number of the [`Outcome`].
    pub outcome: f32,
    /// η
    pub learning_rate: f32,
    /// What gradients were divided by; 1 if they were not scaled.
    pub loss_scale: f32,
    /// 1 if all gradients were finite, 0 if not.
    pub finite: f32,
    /// The joint L2 norm of the gradients, scaled and averaged, not clipped: Keras' `global_norm`.
    pub gradient_norm: f32,
    /// What clipping by a norm multiplied gradients by; of several numbers the smallest; 1 without such clipping.
    pub clip_factor: f32,
    /// The L2 norm of the change of the values. It is for the host, which may compute it.
    pub update_norm: f32,
    /// How many variables the call selected; [`UNKNOWN`](Self::UNKNOWN): all.
    pub selected: f32,
}

impl LastStep {
    /// No norm, count or flag is negative.
    pub const UNKNOWN: f32 = -1.0;

    /// Where the host finds each number, in float32s.
    pub const OFFSETS: [(&'static str, usize); 8] = [
        ("outcome", offset_of!(Self, outcome) / 4),
        ("learning_rate", offset_of!(Self, learning_rate) / 4),
        ("loss_scale", offset_of!(Self, loss_scale) / 4),
        ("finite", offset_of!(Self, finite) / 4),
        ("gradient_norm", offset_of!(Self, gradient_norm) / 4),
        ("clip_factor", offset_of!(Self, clip_factor) / 4),
        ("update_norm", offset_of!(Self, update_norm) / 4),
        ("selected", offset_of!(Self, selected) / 4),
    ];
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Hyperparameters;
    use crate::memory::variable::{Variable, Variables};
    use crate::step::call::Call;
    use crate::step::optimizer::Optimizer;

    #[test]
    fn it_is_of_the_last_call_whatever_the_ones_before_it_were() {
        let mut variables = Variables::new();
        let handles = [[3.0, 0.0], [0.0, 4.0]].map(|gradient| {
            let mut variable = Variable::new(&[1.0, 1.0]).unwrap();
            variable.gradient_mut().copy_from_slice(&gradient);
            variables.insert(variable).unwrap()
        });
        let mut optimizer = Optimizer::build(Hyperparameters::default(), &handles, &variables).unwrap();
        let outcome = |optimizer: &Optimizer| Outcome::ALL.get(optimizer.last_step().outcome as usize).copied();
        assert_eq!(outcome(&optimizer), Some(Outcome::None));
        let mut call = |optimizer: &mut Optimizer, learning_rate: f32, selected: Option<usize>| {
            optimizer.apply(&mut variables, Call { learning_rate, loss_scale: None, selected }).unwrap();
            let LastStep { learning_rate, loss_scale, gradient_norm, clip_factor, selected, .. } =
                *optimizer.last_step();
            [learning_rate, loss_scale, gradient_norm, clip_factor, selected]
        };
        let unknown = LastStep::UNKNOWN;
        // Two plain calls in a row: the second notes its learning rate alone.
        assert_eq!(call(&mut optimizer, 0.5, None), [0.5, 1.0, unknown, 1.0, unknown]);
        assert_eq!(call(&mut optimizer, 0.25, None), [0.25, 1.0, unknown, 1.0, unknown]);
        assert_eq!(outcome(&optimizer), Some(Outcome::Updated));
        assert_eq!(call(&mut optimizer, 0.5, Some(1)), [0.5, 1.0, unknown, 1.0, 1.0]);
        optimizer.measure_norm(true);
        assert_eq!(call(&mut optimizer, 0.5, None), [0.5, 1.0, 5.0, 1.0, unknown]);
        optimizer.measure_norm(false);
        assert_eq!(call(&mut optimizer, 0.5, None), [0.5, 1.0, unknown, 1.0, unknown]);
        optimizer.hyperparameters_mut().loss_scale_factor = Some(2.0);
        assert_eq!(call(&mut optimizer, 0.5, None), [0.5, 2.0, unknown, 1.0, unknown]);
        optimizer.hyperparameters_mut().global_clipnorm = Some(1.0);
        assert_eq!(call(&mut optimizer, 0.5, None), [0.5, 2.0, 2.5, 0.4, unknown]);
    }
}
