//! The functions that the formulas need beyond arithmetic: evaluated in float64, then rounded once to float32.

use super::cosine::cos;

/// `xʸ`
pub fn pow(x: f32, y: f32) -> f32 {
    libm::pow(f64::from(x), f64::from(y)) as f32
}

/// `ln x`
pub fn log(x: f32) -> f32 {
    libm::log(f64::from(x)) as f32
}

/// `1 + cos(π·progress)`, from 2 down to 0 as progress goes from 0 to 1.
pub fn one_plus_cosine(progress: f32) -> f32 {
    1.0 + cos(core::f32::consts::PI * progress)
}

/// `step / decay_steps`, rounded down if `staircase`.
pub fn periods(step: f32, decay_steps: f64, staircase: bool) -> f32 {
    let periods = step / decay_steps as f32;
    if staircase { libm::floorf(periods) } else { periods }
}

/// `min(x, y)` as NumPy has it: `NaN` in either wins.
pub fn minimum(x: f32, y: f32) -> f32 {
    if x <= y || x.is_nan() { x } else { y }
}
