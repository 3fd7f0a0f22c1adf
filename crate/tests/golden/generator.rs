//! The counter-based generators of the vectors: the same values in every language, with nothing but 32-bit integers.

use serde::Deserialize;

/// Makes the initial values or the gradients of a case.
#[derive(Deserialize)]
pub struct Generator {
    seed: u32,
    #[serde(flatten)]
    kind: Kind,
}

#[derive(Deserialize)]
#[serde(tag = "gen", rename_all = "lowercase")]
enum Kind {
    Uniform {
        scale: f64,
        bias: Option<f64>,
    },
    Const {
        scale: f64,
        bias: Option<f64>,
    },
    Sparse {
        scale: f64,
    },
    Wide {
        emin: u32,
        emax: u32,
    },
    Special {
        emin: u32,
        emax: u32,
        table: Vec<u32>,
        rate: u32,
    },
    #[serde(rename = "self")]
    Own {
        scale: f64,
    },
}

/// Where a variable's values are in the sequence of one step.
#[derive(Clone, Copy)]
pub struct Position {
    pub step: usize,
    /// Number of elements of all variables of the case.
    pub total: usize,
    /// Number of elements before this variable.
    pub offset: usize,
}

fn mix(z: u32) -> u32 {
    let z = (z ^ (z >> 16)).wrapping_mul(0x85eb_ca6b);
    let z = (z ^ (z >> 13)).wrapping_mul(0xc2b2_ae35);
    z ^ (z >> 16)
}

/// Draw number `k` of a seed: 32 random bits.
pub fn draw(seed: u32, k: u32) -> u32 {
    mix(seed.wrapping_add(k.wrapping_add(1).wrapping_mul(0x9e37_79b9)))
}

fn uniform(d0: u32, scale: f64, bias: Option<f64>) -> f32 {
    let unit = ((d0 >> 8).cast_signed() - 8_388_608) as f32 / 8_388_608.0;
    let scaled = unit * scale as f32;
    bias.map_or(scaled, |bias| scaled + bias as f32)
}

fn wide(d0: u32, d1: u32, emin: u32, emax: u32) -> f32 {
    let exponent = emin + (d0 >> 8) % (emax - emin + 1);
    f32::from_bits((d1 & 0x8000_0000) | (exponent << 23) | (d1 & 0x007f_ffff))
}

impl Generator {
    /// The values of one variable at one step: as many as `current`, its own, from which the generator `self` computes.
    pub fn generate(&self, position: Position, current: &[f32]) -> Vec<f32> {
        let step = match self.kind {
            Kind::Const { .. } => 0,
            _ => position.step,
        };
        let first = step * position.total + position.offset;
        let element = |(e, &value): (usize, &f32)| {
            let k = ((first + e) as u32).wrapping_mul(2);
            let (d0, d1) = (draw(self.seed, k), draw(self.seed, k.wrapping_add(1)));
            match &self.kind {
                &Kind::Uniform { scale, bias } | &Kind::Const { scale, bias } => uniform(d0, scale, bias),
                Kind::Sparse { .. } if d1 & 3 != 0 => 0.0,
                &Kind::Sparse { scale } => uniform(d0, scale, None),
                Kind::Special { table, rate, .. } if (d0 & 15) < *rate => {
                    f32::from_bits(table[(d0 >> 8) as usize % table.len()])
                }
                &Kind::Wide { emin, emax } | &Kind::Special { emin, emax, .. } => wide(d0, d1, emin, emax),
                Kind::Own { scale } => value * *scale as f32,
            }
        };
        current.iter().enumerate().map(element).collect()
    }
}
