//! Burn's `RmsProp` on its backend for processors, ndarray.

use crate::data::{Regime, value};
use crate::options::Options;
use crate::protocol::Contestant;
use burn::backend::{Autodiff, NdArray};
use burn::module::{Module, Param};
use burn::optim::adaptor::OptimizerAdaptor;
use burn::optim::{GradientsParams, Optimizer, RmsProp, RmsPropConfig};
use burn::tensor::backend::Backend;
use burn::tensor::{Tensor, TensorData};

type Plain = NdArray<f32>;
type Differentiable = Autodiff<Plain>;

/// Only tensors: what the optimizer costs is to be measured, not a model.
#[derive(Module, Debug)]
struct Weights<B: Backend> {
    tensors: Vec<Param<Tensor<B, 1>>>,
}

pub struct Burn {
    weights: Option<Weights<Differentiable>>,
    optimizer: OptimizerAdaptor<RmsProp, Weights<Differentiable>, Differentiable>,
    gradients: Vec<Tensor<Plain, 1>>,
}

fn tensor<B: Backend>(first: u32, size: usize, number: impl Fn(u32) -> f32) -> Tensor<B, 1> {
    let numbers: Vec<f32> = (first..).take(size).map(number).collect();
    Tensor::from_data(TensorData::new(numbers, [size]), &B::Device::default())
}

impl Burn {
    pub fn new(sizes: &[usize], options: Options) -> Self {
        let firsts = sizes.iter().scan(0, |first, &size| Some(std::mem::replace(first, *first + size as u32)));
        let ranges: Vec<_> = firsts.zip(sizes.iter().copied()).collect();
        let tensors = ranges.iter().map(|&(first, size)| Param::from_tensor(tensor(first, size, value)));
        let gradients = ranges.iter().map(|&(first, size)| tensor(first, size, |i| Regime::Dense.gradient(i)));
        let config = RmsPropConfig::new()
            .with_alpha(options.rho as f32)
            .with_epsilon(options.epsilon as f32)
            .with_momentum(options.momentum as f32)
            .with_centered(options.centered);
        Self {
            weights: Some(Weights { tensors: tensors.collect() }),
            optimizer: config.init(),
            gradients: gradients.collect(),
        }
    }
}

impl Contestant for Burn {
    fn step(&mut self) {
        let Some(weights) = self.weights.take() else { return };
        let mut gradients = GradientsParams::new();
        for (weight, gradient) in weights.tensors.iter().zip(&self.gradients) {
            gradients.register(weight.id, gradient.clone());
        }
        self.weights = Some(self.optimizer.step(crate::options::LEARNING_RATE, weights, gradients));
    }

    fn values(&self) -> Vec<f32> {
        let weights = self.weights.iter().flat_map(|weights| &weights.tensors);
        weights.flat_map(|weight| weight.val().into_data().to_vec::<f32>().unwrap_or_default()).collect()
    }
}
