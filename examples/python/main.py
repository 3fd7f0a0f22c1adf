"""Fits a line with RMSprop in rmsprop.wasm: `python main.py path/to/rmsprop.wasm`."""

import sys

import numpy as np
from rmsprop import Kernel, RMSprop, Variable, load

kernel = Kernel(load(sys.argv[1]))

# The example of Keras' documentation: one step on w² / 2 from w = 10.
w = Variable(kernel, 10.0)
optimizer = RMSprop([w])
w.gradient[...] = w.value
optimizer.step(0.1)
print(f"w = {w.value:.6f} (0x{w.value.view(np.uint32):08x})")

# y = 2 x₀ - x₁ + 0.5, learned from 1,000 examples.
rng = np.random.default_rng(1)
x = rng.standard_normal((1000, 2)).astype(np.float32)
y = x @ np.float32([2, -1]) + np.float32(0.5)

weights, bias = Variable(kernel, np.zeros(2)), Variable(kernel, 0.0)
optimizer = RMSprop([weights, bias], momentum=0.5, centered=True)
for _ in range(500):
    error = x @ weights.value + bias.value - y
    # Straight into the module's memory.
    np.divide(error @ x, len(x), out=weights.gradient)
    bias.gradient[...] = error.mean()
    optimizer.step(0.005)
print(f"weights = {weights.value.round(2)}, bias = {bias.value:.2f}, loss = {np.mean(error**2):.0e}")
