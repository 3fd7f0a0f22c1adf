"""Writes with the real PyTorch and timm what `rmsprop-wasm/pytorch` and PyTorch's options are tested with.

    python3 -m venv .venv-torch
    .venv-torch/bin/pip install torch==2.15.0 torchvision==0.29.2 timm==1.0.31 safetensors==0.8.0
    .venv-torch/bin/python test/interop/make_pytorch.py

fixtures/<case>.safetensors.gz is the state in the middle of a training, written by the lines of docs/pytorch.md, and
fixtures/pytorch.json has the parameters and the state then and at the end, as float32 in base64.
fixtures/pytorch-random.safetensors.gz has the ends of trainings with random options. Not run in CI: PyTorch is large. Values and
gradients come from the generator that the tests have too, so the files hold results only.
"""

import base64
import gzip
import json
import os
import random
import re
import tempfile

import safetensors.torch
import timm
import torch
from timm.optim import RMSpropTF

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
NUMBERS |= {
    "weight-decay": {"weight_decay": 0.01},
    "maximize": {"maximize": True},
    "maximize-decay": {"maximize": True, "weight_decay": 1e-5, "momentum": 0.9, "centered": True},
    # torchvision's MobileNetV3: `--norm-weight-decay 0.0` makes two groups.
    "groups": {"alpha": 0.9, "eps": 0.0316, "momentum": 0.9, "weight_decay": 1e-5},
    "groups-rates": {"centered": True, "weight_decay": 1e-5, "momentum": 0.9, "maximize": True},
}
# What the second parameter's group has of its own; the rate as a factor.
GROUPS = {"groups": {"weight_decay": 0.0}, "groups-rates": {"weight_decay": 0.0, "lr": 0.3}}
TIMM = {
    # What timm's EfficientNet was trained with.
    "timm": {"alpha": 0.9, "eps": 0.001, "momentum": 0.9, "weight_decay": 1e-5},
    "timm-plain": {},
    "timm-centered": {"centered": True, "weight_decay": 0.01, "momentum": 0.9},
    "timm-decoupled": {"decoupled_decay": True, "weight_decay": 0.01},
    "timm-rate-outside": {"lr_in_momentum": False, "momentum": 0.9, "eps": 0.001},
    "timm-groups": {"eps": 0.001, "momentum": 0.9, "weight_decay": 1e-5},
    "timm-no-gradient": {"eps": 0.001, "momentum": 0.9},
}
GROUPS["timm-groups"] = {"weight_decay": 0.0}
NO_GRADIENT = {"no-gradient", "timm-no-gradient"}
# How many trainings with random options, and the size of their parameter.
RANDOM, RANDOM_SIZE = 240, 24


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
    if name in NO_GRADIENT:
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
    own = dict(GROUPS.get(name, {}))
    factors = [1.0, own.pop("lr", 1.0)]
    groups = [{"params": [parameters[0]]}, {"params": [parameters[1]], **own}] if name in GROUPS else parameters
    # One tensor after the other: the formula as it is published.
    make = RMSpropTF if name in TIMM else torch.optim.RMSprop
    optimizer = make(groups, lr=RATES[0], foreach=False, **options)

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
        for group, factor in zip(optimizer.param_groups, factors):
            group["lr"] = rate * factor
        for i, parameter in enumerate(parameters):
            is_absent = name in NO_GRADIENT and i == 1
            parameter.grad = None if is_absent else noise(parameter.shape, 100 * i + step + 2)
        optimizer.step()
    group = optimizer.param_groups[0]
    keys = ["alpha", "eps", "momentum", "centered", "maximize", "decoupled_decay", "lr_in_momentum"]
    return {
        **{key: group[key] for key in keys if key in group},
        "groups": [
            {"factor": factor, "weight_decay": group["weight_decay"]}
            for group, factor in zip(optimizer.param_groups, factors)
        ],
        "saved": saved,
        "final": snapshot(),
    }


def draw(rng):
    """Random options of either optimizer, and of the gradients: `(noise + offset) * 2**exponent`."""
    is_timm = rng.random() < 1 / 3
    options = {
        "lr": 10 ** rng.uniform(-4, -1),
        "alpha": rng.choice([0.9, 0.99, rng.uniform(0.5, 0.999)]),
        "eps": 10 ** rng.uniform(-10, -1),
        "momentum": rng.choice([0.0, 0.9, rng.uniform(0, 0.99)]),
        "centered": rng.random() < 0.4,
        "weight_decay": rng.choice([0.0, 1e-5, 10 ** rng.uniform(-6, -1)]),
    }
    if is_timm:
        options |= {"decoupled_decay": rng.random() < 0.3, "lr_in_momentum": rng.random() < 0.6}
    else:
        options["maximize"] = rng.random() < 0.3
    return options, rng.choice([0, 0, 1, 4]), rng.randint(-8, 4)


def run_random():
    """The options as JSON, and what the optimizer keeps at the end."""
    configurations, tensors = [], {}
    for number in range(RANDOM):
        rng = random.Random(f"pytorch/{number}")
        options, offset, exponent = draw(rng)
        parameter = torch.nn.Parameter(noise((RANDOM_SIZE,), 1000 * number + 1))
        make = RMSpropTF if "lr_in_momentum" in options else torch.optim.RMSprop
        optimizer = make([parameter], foreach=False, **options)
        for step, rate in enumerate(RATES):
            optimizer.param_groups[0]["lr"] = options["lr"] * rate * 100
            parameter.grad = (noise((RANDOM_SIZE,), 1000 * number + step + 2) + offset) * 2.0**exponent
            optimizer.step()
        configurations.append({**options, "offset": offset, "exponent": exponent})
        for key, kept in {"value": parameter.detach(), **optimizer.state[parameter]}.items():
            if key != "step":
                tensors[f"{number}/{key}"] = kept.clone()
    data = safetensors.torch.save(tensors, {"configurations": json.dumps(configurations)})
    with gzip.GzipFile(os.path.join(HERE, "fixtures", "pytorch-random.safetensors.gz"), "wb", mtime=0) as out:
        out.write(data)


torch.set_num_threads(1)
cases = {name: run(name, options) for name, options in {**NUMBERS, **TIMM}.items()}
run_random()
versions = {"torch": torch.__version__.split("+")[0], "timm": timm.__version__}
with open(os.path.join(HERE, "fixtures", "pytorch.json"), "w", encoding="utf-8") as file:
    json.dump({**versions, "shapes": SHAPES, "rates": RATES, "steps": SAVED, "cases": cases}, file, indent=1)
    file.write("\n")
