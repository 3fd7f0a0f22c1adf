//! The memory traffic of a step with next to no arithmetic: three arrays read, two of them written. The bound for a step that
//! does not fit into the caches.

use crate::protocol::Contestant;

pub struct Triad {
    value: Vec<f32>,
    gradient: Vec<f32>,
    velocity: Vec<f32>,
}

impl Triad {
    pub fn new(len: usize) -> Self {
        Self { value: vec![1.0; len], gradient: vec![0.5; len], velocity: vec![0.25; len] }
    }
}

impl Contestant for Triad {
    fn step(&mut self) {
        for ((value, velocity), gradient) in self.value.iter_mut().zip(&mut self.velocity).zip(&self.gradient) {
            *velocity = 0.9 * *velocity + *gradient;
            *value -= 0.001 * *velocity;
        }
    }

    fn values(&self) -> Vec<f32> {
        self.value.clone()
    }
}
