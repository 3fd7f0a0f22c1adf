"""Writes with the real PyTorch what `rmsprop-wasm/pytorch` and PyTorch's modes are tested with.

    python3 -m venv .venv-torch && .venv-torch/bin/pip install torch==2.15.0 safetensors==0.8.0
    .venv-torch/bin/python test/interop/make_pytorch.py

fixtures/<case>.safetensors.gz is the state in the middle of a training, written by the lines of docs/pytorch.md, and
fixtures/pytorch.json has the parameters and the state then and at the end, as float32 in base64. Not run in CI: PyTorch is
large. Values and gradients come from the generator that the tests have too, so the files hold results only.
"""

import base64
import gzip
import json
import os
import re
import tempfile

import safetensors.torch
import torch

HERE = os.path.dirname(os.path.abspath(__file__))
# The first is longer than a vector register, and not a multiple of it.
SHAPES = [(3, 7), (2,)]
# The rate changes, also after the save, or else the two momentum modes would be the same.
RATES = [0.01] * 3 + [0.05] * 5 + [0.002] * 4
SAVED = 4

NUMBERS = {
    "zero-eps": {"eps": 0.0},
    "zero-eps-centered": {"alpha": 0.9, "eps": 0.0, "centered": True},
    "defaults": {},
    "centered": {"centered": True},
    "momentum": {"momentum": 0.9},
    "momentum-centered": {"momentum": 0.9, "centered": True},
    "large-eps": {"alpha": 0.9, "eps": 0.01},
    "large-eps-centered": {"alpha": 0.9, "eps": 0.01, "centered": True},
    "large-eps-momentum": {"alpha": 0.9, "eps": 0.01, "momentum": 0.9},
    "everything": {"alpha": 0.9, "eps": 0.01, "momentum": 0.9, "centered": True},
    # The second parameter never gets one, and the file has no values.
    "no-gradient": {"eps": 0.0},
}
# Only to be refused.
REFUSED = {"weight-decay": {"weight_decay": 0.01}, "maximize": {"maximize": True}}


def noise(shape, seed):
    """`noise` of test/unit/support.ts."""
    numbers = []
    for _ in range(torch.Size(shape).numel()):
        seed = (seed * 1664525 + 1013904223) % 2**32
        numbers.append(seed / 2**31 - 1)
    return torch.tensor(numbers, dtype=torch.float64).float().reshape(shape)


def example():
    with open(os.path.join(HERE, "..", "..", "docs", "pytorch.md"), encoding="utf-8") as file:
        [code] = re.findall(r"^```python\n(.*?)^```$", file.read(), re.M | re.S)
    return code


def encode(tensor):
    return base64.b64encode(tensor.detach().numpy().tobytes()).decode()


def save(name, optimizer):
    code = example()
    if name == "no-gradient":
        code = re.sub(r"^tensors = .*$", "tensors = {}", code, flags=re.M)
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        exec(code, {"optimizer": optimizer, "torch": torch, "safetensors": safetensors, "json": json})
        os.chdir(HERE)
        with open(os.path.join(folder, "rmsprop.safetensors"), "rb") as file:
            with gzip.GzipFile(os.path.join(HERE, "fixtures", f"{name}.safetensors.gz"), "wb", mtime=0) as out:
                out.write(file.read())


def run(name, options):
    parameters = [torch.nn.Parameter(noise(shape, 100 * i + 1)) for i, shape in enumerate(SHAPES)]
    # One tensor after the other: the formula as it is published.
    optimizer = torch.optim.RMSprop(parameters, lr=RATES[0], foreach=False, **options)

    def snapshot():
        state = [optimizer.state.get(parameter, {}) for parameter in parameters]
        return [
            {"value": encode(parameter), **{key: encode(kept) for key, kept in slots.items() if key != "step"}}
            for parameter, slots in zip(parameters, state)
        ]

    for step, rate in enumerate(RATES):
        if step == SAVED:
            save(name, optimizer)
            saved = snapshot()
        optimizer.param_groups[0]["lr"] = rate
        for i, parameter in enumerate(parameters):
            is_absent = name == "no-gradient" and i == 1
            parameter.grad = None if is_absent else noise(parameter.shape, 100 * i + step + 2)
        optimizer.step()
    [group] = optimizer.param_groups
    return {
        **{key: group[key] for key in ["alpha", "eps", "momentum", "centered"]},
        "saved": saved,
        "final": snapshot(),
    }


torch.set_num_threads(1)
for name, options in REFUSED.items():
    run(name, options)
cases = {name: run(name, options) for name, options in NUMBERS.items()}
version = torch.__version__.split("+")[0]
with open(os.path.join(HERE, "fixtures", "pytorch.json"), "w", encoding="utf-8") as file:
    json.dump({"torch": version, "shapes": SHAPES, "rates": RATES, "steps": SAVED, "cases": cases}, file, indent=1)
    file.write("\n")
