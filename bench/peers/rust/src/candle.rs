//! The RMSprop of candle-optimisers.

use crate::data::{Regime, value};
use crate::options::{LEARNING_RATE, Options};
use crate::protocol::Contestant;
use candle_core::backprop::GradStore;
use candle_core::{Device, Result, Tensor, Var};
use candle_nn::Optimizer;
use candle_optimisers::rmsprop::{ParamsRMSprop, RMSprop};

pub struct Candle {
    weights: Vec<Var>,
    optimizer: RMSprop,
    gradients: GradStore,
}

impl Candle {
    pub fn new(sizes: &[usize], options: Options) -> Result<Self> {
        let mut first = 0;
        let mut weights = Vec::new();
        let mut gradients = Vec::new();
        for &size in sizes {
            let indices = || (first..).take(size);
            weights.push(Var::from_vec(indices().map(value).collect(), size, &Device::Cpu)?);
            let numbers = indices().map(|i| Regime::Dense.gradient(i)).collect();
            gradients.push(Tensor::from_vec::<_, f32>(numbers, size, &Device::Cpu)?);
            first += size as u32;
        }
        // A store of gradients comes from a backward pass only.
        let mut store = weights[0].as_tensor().backward()?;
        for (weight, gradient) in weights.iter().zip(gradients) {
            store.insert(weight, gradient);
        }
        let parameters = ParamsRMSprop {
            lr: LEARNING_RATE,
            alpha: options.rho,
            eps: options.epsilon,
            weight_decay: None,
            momentum: (options.momentum != 0.0).then_some(options.momentum),
            centered: options.centered,
        };
        let optimizer = RMSprop::new(weights.clone(), parameters)?;
        Ok(Self { weights, optimizer, gradients: store })
    }
}

impl Contestant for Candle {
    fn step(&mut self) {
        self.optimizer.step(&self.gradients).expect("tensors of one shape each");
    }

    fn values(&self) -> Vec<f32> {
        self.weights.iter().flat_map(|weight| weight.to_vec1().unwrap_or_default()).collect()
    }
}
