"""The CRC-32 of each story's path on the live page, as Keras on NumPy computes it, beside site/live/expected.json.

Surfaces, noise and stories are written down here once more, so that a slip in the page's own would show. Needs what
`npm run test:keras` installs: .venv-keras/bin/python test/site/keras_paths.py
"""

import json
import os
import sys
import zlib
from pathlib import Path

os.environ["KERAS_BACKEND"] = "numpy"

import keras  # noqa: E402
import numpy as np  # noqa: E402

STEPS = 600
MASK = 0xFFFFFFFF
EXPECTED = Path(__file__).parents[2] / "site" / "live" / "expected.json"


def saddle(x, y):
    return x, y * y * y - y


def rosenbrock(x, y):
    return -2 * (1 - x) - 400 * x * (y - x * x), 200 * (y - x * x)


def himmelblau(x, y):
    return (
        4 * x * (x * x + y - 11) + 2 * (x + y * y - 7),
        2 * (x * x + y - 11) + 4 * y * (x + y * y - 7),
    )


def bowl(x, y):
    return x, 20 * y


def mulberry32(seed):
    """Tommy Ettinger's generator; numbers in [0, 1)."""
    state = seed
    while True:
        state = (state + 0x6D2B79F5) & MASK
        bits = ((state ^ (state >> 15)) * (state | 1)) & MASK
        bits ^= (bits + (((bits ^ (bits >> 7)) * (bits | 61)) & MASK)) & MASK
        yield (bits ^ (bits >> 14)) / 0x100000000


def noises():
    """Sums of twelve uniforms, for x and y in turn."""
    uniforms = mulberry32(1)
    while True:
        total = -6.0
        for _ in range(12):
            total += next(uniforms)
        yield total


class CosineDecay(keras.optimizers.schedules.LearningRateSchedule):
    """Keras' operations, with the cosine in float64 and rounded once: NumPy's float32 cosine differs between machines."""

    def __call__(self, step):
        f = np.float32
        share = f(min(int(step.numpy()), STEPS)) / f(STEPS)
        cosine = f(np.cos(np.float64(f(np.pi) * share)))
        return f(0.02) * (f(0.5) * (f(1) + cosine))


STORIES = {
    "Leave a saddle": (saddle, (-1.6, 0.0001), (0, 0), {"learning_rate": 0.02}),
    "Settle": (saddle, (-1.6, 0.0001), (0, 0), {"learning_rate": CosineDecay()}),
    "Curved valley": (rosenbrock, (-1.2, 1.6), (0, 0), {"learning_rate": 0.01, "momentum": 0.9}),
    "Where descent wins": (himmelblau, (-0.5, -0.8), (0, 0), {"learning_rate": 0.01}),
    "Two RMSprops": (saddle, (-1.6, 0.0001), (0, 0), {"learning_rate": 0.02, "epsilon": 0.01}),
    "NaN": (saddle, (-1.6, 0.0001), (0, 0), {"learning_rate": 0.02, "centered": True}),
    "Noise": (bowl, (-1.7, 0.85), (0.6, 2.4), {"learning_rate": 0.02, "use_ema": True, "ema_momentum": 0.98}),
}


def checksum(gradient, start, noise, options):
    optimizer = keras.optimizers.RMSprop(**options)
    w = keras.Variable(np.array(start, "float32"))
    optimizer.build([w])
    shaking = noises()
    points = [keras.ops.convert_to_numpy(w).copy()]
    for _ in range(STEPS):
        x, y = map(float, keras.ops.convert_to_numpy(w).copy())
        gx, gy = gradient(x, y)
        if any(noise):
            gx, gy = gx + noise[0] * next(shaking), gy + noise[1] * next(shaking)
        optimizer.apply([np.array([gx, gy], "float32")], [w])
        points.append(keras.ops.convert_to_numpy(w).copy())
    return f"{zlib.crc32(np.concatenate(points).astype('<f4').tobytes()):08x}"


found = {title: checksum(*story) for title, story in STORIES.items()}
wanted = json.loads(EXPECTED.read_text())["paths"]
print(json.dumps(found, indent=2))
if found != wanted:
    sys.exit(f"Not what {EXPECTED.name} says: {json.dumps(wanted, indent=2)}")
