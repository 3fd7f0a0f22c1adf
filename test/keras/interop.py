"""Training that moves: some steps in Keras, some in this package, some in Keras again. `run.mjs` calls it.

    interop.py save <folder>     trains models in Keras and saves them; the gradients of all steps; how it ends if nothing moves
    interop.py judge <folder>    goes on with what interop.test.ts has left

What it does with files, it does by running the Python in docs/keras.md and docs/checkpoints.md.
"""

import base64
import json
import os
import re
import sys

import keras
import numpy
import safetensors.numpy

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
FIRST, ABROAD, LAST = 4, 5, 6

RMSprop = keras.optimizers.RMSprop
CASES = {
    "default": lambda: RMSprop(0.01),
    "everything": lambda: RMSprop(
        0.05, momentum=0.9, centered=True, global_clipnorm=1.5, weight_decay=0.01, use_ema=True,
        ema_overwrite_frequency=2, gradient_accumulation_steps=3,
    ),
    "schedule": lambda: RMSprop(keras.optimizers.schedules.PiecewiseConstantDecay([3, 8], [0.1, 0.05, 0.01]), use_ema=True),
    "scaled": lambda: keras.optimizers.LossScaleOptimizer(
        RMSprop(0.01, momentum=0.5, clipnorm=0.5), initial_scale=8.0, dynamic_growth_steps=2
    ),
}


def make_model(optimizer):
    keras.utils.set_random_seed(3)
    inputs = keras.Input((5,))
    hidden = keras.layers.BatchNormalization(name="norm")(keras.layers.Dense(3, name="first")(inputs))
    model = keras.Model(inputs, keras.layers.Dense(2, name="second")(hidden))
    model.compile(optimizer=optimizer, loss="mse")
    optimizer.build(model.trainable_variables)
    return model


def gradients_of(model, name):
    rng = numpy.random.default_rng(len(name))
    steps = [[rng.normal(size=v.shape).astype("float32") for v in model.trainable_variables] for _ in range(FIRST + ABROAD + LAST)]
    if name == "scaled":
        steps[FIRST + 1][0][0, 0] = numpy.inf
    return steps


def state(optimizer, model):
    variables = [*optimizer.variables, *model.trainable_variables]
    return [[v.path, base64.b64encode(numpy.asarray(v).tobytes()).decode()] for v in variables]


def enter(folder, name):
    """Goes to the folder of a case, so that the names in the examples are there."""
    path = os.path.join(folder, "interop", name)
    os.makedirs(path, exist_ok=True)
    os.chdir(path)


def write(value, path):
    with open(path, "w", encoding="utf-8") as file:
        json.dump(value, file)


def read(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def example(page, containing):
    """The Python of the block of a page in docs that has these words."""
    with open(os.path.join(ROOT, "docs", page), encoding="utf-8") as file:
        blocks = re.findall(r"^```python\n(.*?)^```$", file.read(), re.M | re.S)
    [code] = [block for block in blocks if containing in block]
    return code


def run(code, **names):
    """Runs an example with these names; what it has defined."""
    scope = {"keras": keras, "json": json, "numpy": numpy, "safetensors": safetensors, **names}
    exec(code, scope)  # noqa: S102
    return scope


def save(folder):
    for name, make in CASES.items():
        enter(folder, name)
        optimizer = make()
        model = make_model(optimizer)
        steps = gradients_of(model, name)
        for gradients in steps[:FIRST]:
            optimizer.apply(gradients)
        run(example("keras.md", "model.save("), model=model)
        run(example("keras.md", "model.save_weights("), model=model)
        description = {
            "shapes": [list(v.shape) for v in model.trainable_variables],
            "values": [base64.b64encode(numpy.asarray(v).tobytes()).decode() for v in model.trainable_variables],
            "steps": [[base64.b64encode(g.tobytes()).decode() for g in gs] for gs in steps[FIRST:FIRST + ABROAD]],
        }
        write(description, "description.json")
        for gradients in steps[FIRST:]:
            optimizer.apply(gradients)
        write(state(optimizer, model), "end.json")


def judge_case(name, storage):
    """How training ends in Keras after what was done elsewhere, loaded by the documented lines; and how it should."""
    model = make_model(CASES[name]())
    code = example("keras.md", 'open("optimizer.json")')
    if name == "scaled":
        code = code.replace("optimizers.RMSprop.", "optimizers.LossScaleOptimizer.")
    optimizer = run(code, model=model)["optimizer"]
    if storage == "safetensors":
        for variable in optimizer.variables:
            variable.assign(numpy.zeros(variable.shape))
        run(example("keras.md", "optimizer.safetensors"), optimizer=optimizer)
    for gradients in gradients_of(model, name)[FIRST + ABROAD:]:
        optimizer.apply(gradients)
    pairs = zip(state(optimizer, model), read("end.json"), strict=True)
    return [path for (path, value), (_, wanted) in pairs if value != wanted]


def judge_checkpoint():
    """A checkpoint of ours, read by the real safetensors: every array is the one that the store has."""
    tensors = run(example("checkpoints.md", "run.safetensors"))["arrays"]
    store, values = numpy.load("optimizer.npz"), numpy.load("values.npz")
    wanted = sorted(a.tobytes() for a in [*store.values(), *values.values()] if a.ndim > 0)
    wrong = [] if sorted(a.tobytes() for a in tensors.values()) == wanted else ["the arrays of run.safetensors"]
    with safetensors.safe_open("run.safetensors", "numpy") as file:
        metadata = file.metadata()
    if json.loads(metadata["optimizer"]) != read("optimizer.json"):
        wrong.append("the configuration in run.safetensors")
    return wrong


def judge(folder):
    wrong = []
    for name in CASES:
        enter(folder, name)
        for storage in ("npz", "safetensors"):
            wrong += [f"  {name}, {storage}: {path}" for path in judge_case(name, storage)]
        wrong += [f"  {name}: {what}" for what in judge_checkpoint()]
    if wrong:
        print("\n".join(["  Training that moved ends otherwise than training that stayed:", *wrong]))
        sys.exit(1)
    print(f"  {len(CASES)} trainings: {FIRST} steps in Keras, {ABROAD} here, {LAST} in Keras: the bits of never having left")


if __name__ == "__main__":
    {"save": save, "judge": judge}[sys.argv[1]](sys.argv[2])
