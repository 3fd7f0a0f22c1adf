"""Writes the small files in fixtures/ with the real Keras and safetensors, and what Keras says is in them.

    .venv-keras/bin/python test/interop/make_keras.py

The environment is the one that `npm run test:keras` makes. The files are compressed for the repository only: inside, they
are as Keras wrote them.
"""

import base64
import gzip
import json
import os
import tempfile

os.environ["KERAS_BACKEND"] = "numpy"

import keras  # noqa: E402
import numpy as np  # noqa: E402
from safetensors.numpy import save_file  # noqa: E402

FOLDER = os.path.join(os.path.dirname(__file__), "fixtures")

OPTIMIZERS = {
    "plain": lambda: keras.optimizers.RMSprop(0.01),
    "scaled": lambda: keras.optimizers.LossScaleOptimizer(
        keras.optimizers.RMSprop(
            keras.optimizers.schedules.ExponentialDecay(0.1, 10, 0.9),
            momentum=0.9,
            centered=True,
            use_ema=True,
            gradient_accumulation_steps=3,
        ),
        initial_scale=8.0,
        dynamic_growth_steps=3,
    ),
}


def array(variable):
    value = np.asarray(variable)
    return {
        "path": variable.path,
        "shape": list(value.shape),
        "dtype": str(value.dtype),
        "b64": base64.b64encode(value.tobytes()).decode(),
    }


def train(optimizer):
    keras.utils.set_random_seed(1)
    layers = [keras.Input((3,)), keras.layers.Dense(2, name="hidden"), keras.layers.Dense(1, name="out")]
    model = keras.Sequential(layers)
    model.compile(optimizer=optimizer, loss="mse")
    optimizer.build(model.trainable_variables)
    rng = np.random.default_rng(2)
    for _ in range(5):
        optimizer.apply([rng.normal(size=v.shape).astype("float32") for v in model.trainable_variables])
    return model


def compress(source, name):
    with open(source, "rb") as file, gzip.GzipFile(os.path.join(FOLDER, f"{name}.gz"), "wb", mtime=0) as out:
        out.write(file.read())


def main():
    expected = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, make in OPTIMIZERS.items():
            optimizer = make()
            model = train(optimizer)
            for kind in ("keras", "weights.h5"):
                path = os.path.join(folder, f"{name}.{kind}")
                (model.save if kind == "keras" else model.save_weights)(path)
                compress(path, f"{name}.{kind}")
            expected[name] = {
                "optimizer": keras.optimizers.serialize(optimizer),
                "variables": [array(variable) for variable in optimizer.variables],
                "weights": [array(variable) for variable in model.trainable_variables],
            }
        # In our names, by Python's library: one with our metadata, but for the checksum, and one with a wrong checksum.
        tensors = {"w": np.ones(2, "float32"), "w/velocity": np.zeros(2, "float32")}
        metadata = {"format": "rmsprop-wasm checkpoint", "version": "1", "includes_variables": "true", "iteration": "1",
                    "learning_rate": "0.5", "optimizer": "{}"}
        for name, more in {"python": {}, "python-checksum": {"checksum": "0123abcd"}}.items():
            path = os.path.join(folder, name)
            save_file(tensors, path, {**metadata, **more})
            compress(path, f"{name}.safetensors")
    with open(os.path.join(FOLDER, "keras.json"), "w", encoding="utf-8") as file:
        json.dump({"keras": keras.__version__, **expected}, file, indent=1)
        file.write("\n")


main()
