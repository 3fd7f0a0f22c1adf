//! Options of one variable that replace its optimizer's.

use crate::step::call::Settings;

/// The options of one variable.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Override {
    /// m: the variable's learning rate is η·m, rounded to float32. 1 changes no bit.
    pub learning_rate_multiplier: f64,
    /// Whether weight decay applies.
    pub decays: bool,
    /// λ; `None`: the optimizer's.
    pub weight_decay: Option<f32>,
    /// If not, a step leaves values and slots as they are. Only the moving average goes on, and an update drops accumulated gradients.
    pub trainable: bool,
}

impl Override {
    /// Those of a variable that has none of its own.
    pub const NONE: Self = Self { learning_rate_multiplier: 1.0, decays: true, weight_decay: None, trainable: true };

    /// Whether the variable needs more than the common settings. Those take `decays` as an argument.
    pub fn needs_own_settings(&self) -> bool {
        !self.trainable || self.weight_decay.is_some() || self.learning_rate_multiplier != 1.0
    }

    /// Turns the common settings of a call into this variable's; returns what `restore` needs to undo that. A copy of the
    /// settings instead would add 0.2 kB to the module.
    pub fn apply(&self, settings: &mut Settings) -> CommonSettings {
        let common = (settings.coefficients.eta, settings.weight_decay);
        let rate = f64::from(settings.coefficients.eta) * self.learning_rate_multiplier;
        settings.coefficients.set_rate(rate as f32);
        settings.weight_decay = self.weight_decay.or(settings.weight_decay);
        common
    }
}

/// η and λ.
pub type CommonSettings = (f32, Option<f32>);

/// Takes [`Override::apply`] back.
pub fn restore(settings: &mut Settings, (eta, weight_decay): CommonSettings) {
    settings.coefficients.set_rate(eta);
    settings.weight_decay = weight_decay;
}
