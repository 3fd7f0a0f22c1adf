"""Writes the small files in fixtures/kinds with a real Keras, of whatever version it is, and what Keras says is in them.

    .venv-keras/bin/python test/interop/make_keras_kinds.py

The environment is the one that `npm run test:keras` makes. Files of other versions are made by the same script, in an
environment with keras==3.4.1, keras==3.0.5 (each with numpy<2 jax==0.4.30 scipy h5py packaging; KERAS_BACKEND=jax) or
tensorflow-cpu==2.15.1.
The files are compressed for the repository only: inside, they are as Keras wrote them.
"""

import base64
import gzip
import json
import os
import tempfile

os.environ.setdefault("KERAS_BACKEND", "numpy")

try:
    import keras
    if keras.__version__.startswith("2."):
        raise ImportError
    VERSION = keras.__version__
except (ImportError, AttributeError):
    import tensorflow
    keras = tensorflow.keras
    VERSION = "2.15.0"

import numpy as np  # noqa: E402

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "fixtures", "kinds")
IS_2 = VERSION.startswith("2.")
IS_NEWEST = VERSION == "3.15.1"
RMSprop = keras.optimizers.RMSprop


def numpy_of(variable):
    return np.asarray(variable.numpy() if hasattr(variable, "numpy") else variable)


def array(variable):
    """A variable as float32 (int32 for counters): what it must be here."""
    value = numpy_of(variable)
    value = value.astype("int32" if value.dtype.kind in "iu" else "float32")
    return {"path": getattr(variable, "path", variable.name), "shape": list(value.shape), "dtype": str(value.dtype),
            "b64": base64.b64encode(value.tobytes()).decode()}


def layers(dtype=None):
    return [keras.layers.InputLayer(input_shape=(3,)) if IS_2 else keras.Input((3,)),
            keras.layers.Dense(2, name="hidden", dtype=dtype), keras.layers.Dense(1, name="out", dtype=dtype)]


def train(model, optimizer=None, steps=3):
    optimizer = optimizer or model.optimizer
    optimizer.build(model.trainable_variables) if hasattr(optimizer, "build") else None
    rng = np.random.default_rng(2)
    for _ in range(steps):
        gradients = [rng.normal(size=v.shape).astype("float32") for v in model.trainable_variables]
        if IS_2:
            optimizer.apply_gradients(zip([tensorflow.constant(g) for g in gradients], model.trainable_variables))
        else:
            optimizer.apply([keras.ops.cast(g, v.dtype) for g, v in zip(gradients, model.trainable_variables)])


def plain(optimizer, dtype=None, steps=3):
    model = keras.Sequential(layers(dtype))
    model.compile(optimizer=optimizer, loss="mse")
    train(model, steps=steps)
    return model


class Adversarial(keras.Model):
    """Two optimizers under names of their own, as the example of a GAN in Keras' guides has them."""

    def __init__(self):
        super().__init__()
        self.generator = keras.Sequential([*layers()[:2], keras.layers.Dense(3)], name="generator")
        self.discriminator = keras.Sequential(layers(), name="discriminator")

    def compile(self, d_optimizer, g_optimizer):
        super().compile()
        self.d_optimizer, self.g_optimizer = d_optimizer, g_optimizer

    def call(self, inputs):
        return self.discriminator(self.generator(inputs))


def adversarial():
    model = Adversarial()
    model.compile(RMSprop(0.01), RMSprop(0.02, momentum=0.5))
    model(np.ones((1, 3), "float32"))
    train(model.discriminator, model.d_optimizer, 2)
    train(model.generator, model.g_optimizer, 4)
    return model


def unusual():
    """Layers whose configuration is no JSON but Python's."""
    model = keras.Sequential([keras.Input((3,)), keras.layers.ReLU(max_value=float("inf")), *layers()[1:]])
    model.compile(optimizer=RMSprop(0.01, clipnorm=1.0), loss="mse")
    train(model)
    return model


def mixed():
    before = keras.mixed_precision.global_policy() if IS_2 else keras.config.dtype_policy()
    setter = keras.mixed_precision.set_global_policy if IS_2 else keras.config.set_dtype_policy
    setter("mixed_float16")
    try:
        return plain(RMSprop(0.01, momentum=0.9))
    finally:
        setter(before)


def cases():
    """Names of files to functions that make the models."""
    full = {"momentum": 0.9, "centered": True, "use_ema": True}
    if not IS_2:
        full["gradient_accumulation_steps"] = 2
    yield "plain.keras", lambda: plain(RMSprop(0.01))
    yield "plain.h5", lambda: plain(RMSprop(0.01))
    yield "full.keras", lambda: plain(RMSprop(0.01, **full))
    yield "full.h5", lambda: plain(RMSprop(0.01, **full))
    yield "mixed.keras", mixed
    yield "mixed.h5", mixed
    if IS_2:
        legacy = keras.optimizers.legacy.RMSprop
        yield "legacy.h5", lambda: plain(legacy(0.01))
        yield "legacy-full.h5", lambda: plain(legacy(0.01, momentum=0.9, centered=True))
        yield "legacy-decay.h5", lambda: plain(legacy(0.01, decay=0.1))
        return
    yield "full.weights.h5", lambda: plain(RMSprop(0.01, **full))
    yield "two.weights.h5", adversarial
    yield "untrained.keras", lambda: keras_untrained()
    if IS_NEWEST:
        for dtype in ("float16", "bfloat16"):
            yield f"{dtype}.keras", lambda dtype=dtype: plain(RMSprop(0.01), dtype)
            yield f"{dtype}.h5", lambda dtype=dtype: plain(RMSprop(0.01), dtype)
        yield "unusual.keras", unusual
        yield "shards.weights.json", lambda: plain(RMSprop(0.01, momentum=0.9))
        yield "weights-only.h5", lambda: uncompiled()
        yield "uncompiled.keras", lambda: uncompiled()


def keras_untrained():
    model = keras.Sequential(layers())
    model.compile(optimizer=RMSprop(0.01), loss="mse")
    return model


def uncompiled():
    return keras.Sequential(layers())


def save(model, path):
    if path.endswith(".weights.json"):
        # In gigabytes: several files for layers, and for the optimizer.
        model.save_weights(path, max_shard_size=4e-8)
    elif path.endswith(".weights.h5"):
        model.save_weights(path)
    else:
        model.save(path)


def optimizer_of(model):
    optimizer = getattr(model, "optimizer", None)
    return getattr(model, "g_optimizer", optimizer)


def main():
    os.makedirs(FOLDER, exist_ok=True)
    expected = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, make in cases():
            keras.utils.set_random_seed(1)
            try:
                model = make()
                path = os.path.join(folder, name)
                save(model, path)
            except Exception as error:  # noqa: BLE001
                # NumPy's backend does not do all types, old versions not all forms.
                print(f"{VERSION} {name}: {type(error).__name__}: {str(error).splitlines()[0]}")
                continue
            for written in os.listdir(folder):
                target = os.path.join(FOLDER, f"{VERSION}-{written}.gz")
                with open(os.path.join(folder, written), "rb") as file, gzip.GzipFile(target, "wb", mtime=0) as out:
                    out.write(file.read())
                os.remove(os.path.join(folder, written))
            optimizer = optimizer_of(model)
            inner = getattr(optimizer, "inner_optimizer", optimizer)
            variables = getattr(inner, "variables", None)
            variables = variables() if callable(variables) else variables
            trained = model.generator if hasattr(model, "generator") else model
            expected[name] = {
                "optimizer": keras.optimizers.serialize(optimizer) if optimizer else None,
                "variables": [array(variable) for variable in variables or []],
                "weights": [array(variable) for variable in trained.trainable_variables],
            }
            if not IS_2 and optimizer is not inner:
                expected[name]["scaled"] = [array(variable) for variable in optimizer.variables]
    with open(os.path.join(FOLDER, f"{VERSION}.json"), "w", encoding="utf-8") as file:
        json.dump(expected, file, default=float)
        file.write("\n")


main()
