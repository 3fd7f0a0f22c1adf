"""The training, as every process knows it: the gradient of a unit follows from its values and its number alone."""

import numpy as np

UNITS_PER_UPDATE = 4
UPDATES = 400
LEARNING_RATE = 0.005
OPTIONS = {"momentum": 0.5, "centered": True, "gradient_accumulation_steps": UNITS_PER_UPDATE, "global_clipnorm": 1.0}
EXAMPLES = 32


def random(unit: int, count: int) -> np.ndarray:
    """Float32 numbers in [-1, 1), the same in Python and JavaScript."""
    numbers = np.empty(count, np.float32)
    state = (unit * 2654435761 + 1) % 2**32
    for i in range(count):
        state = (state * 1664525 + 1013904223) % 2**32
        numbers[i] = (state >> 8) / 2**23 - 1
    return numbers


def gradient(values: np.ndarray, unit: int) -> np.ndarray:
    """Of the mean squared error of w₀ x₀ + w₁ x₁ + b as 2 x₀ - x₁ + 0.5, for the examples of one unit.

    Elementwise operations and sums in order have the same bits everywhere; a matrix product of BLAS may not.
    """
    x = random(unit, 2 * EXAMPLES).reshape(EXAMPLES, 2)
    x0, x1 = x[:, 0], x[:, 1]
    target = x0 * np.float32(2) - x1 + np.float32(0.5)
    error = values[0] * x0 + values[1] * x1 + values[2] - target
    # `cumsum` adds one after the other; `sum` adds pairwise.
    sums = [np.cumsum(error * factor, dtype=np.float32)[-1] for factor in (x0, x1, np.ones_like(x0))]
    return np.array(sums, np.float32) / np.float32(EXAMPLES)
