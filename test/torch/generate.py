"""Writes rmsprop.json: what torch.optim.RMSprop computes in float32, for torch.test.ts.

    python3 -m venv .venv-torch && .venv-torch/bin/pip install torch==2.15.0
    .venv-torch/bin/python test/torch/generate.py

Not run in CI: PyTorch is large, and its results are here. Values and gradients come from the generator that torch.test.ts
has too, so that the file holds results only, as float32 bits in hexadecimal.
"""

import json
import struct
from pathlib import Path

import torch

SIZE = 21
# The rate changes, or else the two momentum modes would be the same.
RATES = [0.01] * 4 + [0.05] * 4 + [0.002] * 4
CASES = [
    {"alpha": alpha, "eps": eps, "momentum": momentum, "centered": centered}
    for alpha, eps in [(0.99, 1e-8), (0.9, 0.01)]
    for momentum in [0.0, 0.9]
    for centered in [False, True]
]


def noise(length, seed):
    """`noise` of test/unit/support.ts."""
    numbers = []
    for _ in range(length):
        seed = (seed * 1664525 + 1013904223) % 2**32
        numbers.append(seed / 2**31 - 1)
    return torch.tensor(numbers, dtype=torch.float64).float()


def bits(tensor):
    return "".join(f"{struct.unpack('<I', struct.pack('<f', x))[0]:08x}" for x in tensor.tolist())


def run(case):
    w = torch.nn.Parameter(noise(SIZE, 1))
    # One tensor after the other: the formula as it is published.
    optimizer = torch.optim.RMSprop([w], lr=RATES[0], foreach=False, **case)
    for step, rate in enumerate(RATES):
        optimizer.param_groups[0]["lr"] = rate
        w.grad = noise(SIZE, step + 2)
        optimizer.step()
    state = optimizer.state[w]
    names = ["square_avg", "momentum_buffer", "grad_avg"]
    kept = {name: bits(state[name]) for name in names if name in state}
    return {**case, "value": bits(w.data), **kept}


torch.set_num_threads(1)
cases = [run(case) for case in CASES]
result = {"torch": torch.__version__.split("+")[0], "size": SIZE, "rates": RATES, "cases": cases}
Path(__file__).with_name("rmsprop.json").write_text(json.dumps(result, indent=1) + "\n")
