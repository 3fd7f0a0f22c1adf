"""Writes fixtures/*.safetensors.gz with the real PyTorch, by the example in docs/pytorch.md, and how training went on there.

    python test/interop/make_pytorch.py

Needs torch, numpy and safetensors; run with PyTorch 1.13 of Debian. Tests read only what it has written.
"""

import base64
import gzip
import json
import os
import re
import tempfile

import numpy
import safetensors.torch
import torch

HERE = os.path.dirname(os.path.abspath(__file__))
SHAPES = [(2, 3), (2,)]
FIRST, LAST = 4, 5

CASES = {
    "zero-eps": dict(lr=0.01, eps=0.0),
    "zero-eps-centered": dict(lr=0.02, alpha=0.9, eps=0.0, centered=True),
    "defaults": dict(),
    "momentum": dict(lr=0.005, alpha=0.95, eps=0.0, momentum=0.9, centered=True),
    "everything": dict(lr=0.005, eps=1e-3, momentum=0.5, centered=True),
    "weight-decay": dict(weight_decay=0.01),
    "maximize": dict(maximize=True),
    # The second parameter never gets one, and the file has no values.
    "no-gradient": dict(eps=0.0),
}


def example():
    with open(os.path.join(HERE, "..", "..", "docs", "pytorch.md"), encoding="utf-8") as file:
        [code] = re.findall(r"^```python\n(.*?)^```$", file.read(), re.M | re.S)
    return code


def encode(tensor):
    return base64.b64encode(tensor.detach().numpy().tobytes()).decode()


def run(name, options):
    rng = numpy.random.default_rng(7)
    draw = lambda shape: torch.from_numpy(rng.normal(size=shape).astype("float32"))  # noqa: E731
    parameters = [torch.nn.Parameter(draw(shape)) for shape in SHAPES]
    optimizer = torch.optim.RMSprop(parameters, **options)
    steps = [[draw(shape) for shape in SHAPES] for _ in range(FIRST + LAST)]

    def apply(gradients):
        for parameter, gradient in zip(parameters, gradients):
            parameter.grad = gradient.clone()
        if name == "no-gradient":
            parameters[1].grad = None
        optimizer.step()

    for gradients in steps[:FIRST]:
        apply(gradients)
    scope = {"optimizer": optimizer, "torch": torch, "safetensors": safetensors, "json": json}
    code = example()
    if name == "no-gradient":
        code = re.sub(r"^tensors = .*$", "tensors = {}", code, flags=re.M)
    exec(code, scope)
    with open("rmsprop.safetensors", "rb") as file:
        with gzip.GzipFile(os.path.join(HERE, "fixtures", f"{name}.safetensors.gz"), "wb", mtime=0) as out:
            out.write(file.read())
    state = optimizer.state_dict()["state"]
    kept = [{key: encode(value) for key, value in state.get(i, {}).items() if key != "step"} for i in range(len(SHAPES))]
    values = [[encode(parameter) for parameter in parameters]]
    for gradients in steps[FIRST:]:
        apply(gradients)
        values.append([encode(parameter) for parameter in parameters])
    return {
        "options": options,
        "state": kept,
        "values": values,
        "gradients": [[encode(gradient) for gradient in gradients] for gradients in steps[FIRST:]],
    }


def main():
    torch.manual_seed(0)
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        cases = {name: run(name, options) for name, options in CASES.items()}
        os.chdir(HERE)
    with open(os.path.join(HERE, "fixtures", "pytorch.json"), "w", encoding="utf-8") as file:
        json.dump({"torch": torch.__version__, "shapes": SHAPES, "cases": cases}, file, indent=1)
        file.write("\n")


main()
