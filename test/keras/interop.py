"""Training that moves: some steps in Keras, some in this package, some in Keras again. `run.mjs` calls it.

    interop.py save <folder>     trains models in Keras and saves them; the gradients of all steps; how it ends if nothing moves
    interop.py judge <folder>    goes on with what interop.test.ts has left, by the examples of docs/keras.md
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


def case_path(folder, name, kind):
    return os.path.join(folder, f"interop-{name}.{kind}")


def save(folder):
    for name, make in CASES.items():
        optimizer = make()
        model = make_model(optimizer)
        steps = gradients_of(model, name)
        for gradients in steps[:FIRST]:
            optimizer.apply(gradients)
        model.save(case_path(folder, name, "keras"))
        model.save_weights(case_path(folder, name, "weights.h5"))
        description = {
            "optimizer": keras.optimizers.serialize(optimizer),
            "shapes": [list(v.shape) for v in model.trainable_variables],
            "values": [base64.b64encode(numpy.asarray(v).tobytes()).decode() for v in model.trainable_variables],
            "steps": [[base64.b64encode(g.tobytes()).decode() for g in gs] for gs in steps[FIRST:FIRST + ABROAD]],
        }
        with open(case_path(folder, name, "json"), "w", encoding="utf-8") as file:
            json.dump(description, file)
        for gradients in steps[FIRST:]:
            optimizer.apply(gradients)
        with open(case_path(folder, name, "end.json"), "w", encoding="utf-8") as file:
            json.dump(state(optimizer, model), file)


def example(containing):
    """The code of the block of docs/keras.md that has these words."""
    with open(os.path.join(ROOT, "docs", "keras.md"), encoding="utf-8") as file:
        blocks = re.findall(r"^```python\n(.*?)^```$", file.read(), re.M | re.S)
    [code] = [block for block in blocks if containing in block]
    return code


def judge_case(folder, name, storage):
    """How training ends in Keras after what was done elsewhere, loaded by the documented lines; and how it should."""
    os.chdir(os.path.join(folder, f"interop-{name}"))
    model = make_model(CASES[name]())
    code = example("from_config")
    if name == "scaled":
        code = code.replace("optimizers.RMSprop.", "optimizers.LossScaleOptimizer.")
    scope = {"keras": keras, "json": json, "numpy": numpy, "safetensors": safetensors, "model": model}
    exec(code, scope)  # noqa: S102
    if storage == "safetensors":
        for variable in scope["optimizer"].variables:
            variable.assign(numpy.zeros(variable.shape))
        exec(example("load_file(\"optimizer.safetensors\")"), scope)  # noqa: S102
    optimizer = scope["optimizer"]
    model.compile(optimizer=optimizer, loss="mse")
    for gradients in gradients_of(model, name)[FIRST + ABROAD:]:
        optimizer.apply(gradients)
    with open(case_path(folder, name, "end.json"), encoding="utf-8") as file:
        expected = json.load(file)
    got = state(optimizer, model)
    return [path for (path, value), (_, wanted) in zip(got, expected, strict=True) if value != wanted]


def judge_checkpoint(folder, name):
    """A checkpoint of ours, read by the real safetensors: every array is the one that the store has."""
    os.chdir(os.path.join(folder, f"interop-{name}"))
    tensors = safetensors.numpy.load_file("checkpoint.safetensors")
    store, values = numpy.load("optimizer.npz"), numpy.load("values.npz")
    wanted = sorted(a.tobytes() for a in [*store.values(), *values.values()] if a.ndim > 0)
    wrong = [] if sorted(a.tobytes() for a in tensors.values()) == wanted else ["the arrays of checkpoint.safetensors"]
    with safetensors.safe_open("checkpoint.safetensors", "numpy") as file:
        metadata = file.metadata()
    if json.loads(metadata["optimizer"]) != json.load(open("optimizer.json", encoding="utf-8")):
        wrong.append("the configuration in checkpoint.safetensors")
    return wrong


def judge(folder):
    wrong = []
    for name in CASES:
        for storage in ("npz", "safetensors"):
            wrong += [f"  {name}, {storage}: {path}" for path in judge_case(folder, name, storage)]
        wrong += [f"  {name}: {what}" for what in judge_checkpoint(folder, name)]
    if wrong:
        print("\n".join(["  Training that moved ends otherwise than training that stayed:", *wrong]))
        sys.exit(1)
    print(f"  {len(CASES)} trainings: {FIRST} steps in Keras, {ABROAD} here, {LAST} in Keras: the bits of never having left")


if __name__ == "__main__":
    {"save": save, "judge": judge}[sys.argv[1]](sys.argv[2])
