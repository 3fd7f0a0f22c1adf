"""A model that begins in Keras, goes on in TensorFlow.js (main.ts), and comes back.

    python examples/keras-tfjs/model.py begin <folder>    trains, saves model.keras and exclusions.json there
    node build/examples/keras-tfjs/main.js <folder>       goes on, leaves optimizer.json, optimizer.npz and weights.npz
    python examples/keras-tfjs/model.py resume <folder>   goes on with those, and prints the accuracy

It needs Keras 3 with a backend that trains: JAX unless KERAS_BACKEND says otherwise.
"""

import gzip
import json
import os
import sys

os.environ.setdefault("KERAS_BACKEND", "jax")

import keras  # noqa: E402
import numpy  # noqa: E402

DATA = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "digits", "digits.csv.gz")
BATCH = 32
EPOCHS = 4
# Kept out of weight decay, by words in the variables' names. Keras does not save them.
EXCLUSIONS = ["bias", "gamma", "beta"]


def digits():
    """Handwritten digits: 8 × 8 pixels from 0 to 1 and the digit. Every fifth is held out."""
    with gzip.open(DATA, "rt") as file:
        rows = numpy.loadtxt(file, delimiter=",", dtype="float32")
    pixels, labels = rows[:, :64] / 16, rows[:, 64].astype("int32")
    held_out = numpy.arange(len(rows)) % 5 == 0
    return (pixels[~held_out], labels[~held_out]), (pixels[held_out], labels[held_out])


def make_model():
    model = keras.Sequential([
        keras.Input((64,)),
        keras.layers.Dense(32, use_bias=False, name="hidden"),
        keras.layers.BatchNormalization(name="norm"),
        keras.layers.Activation("relu", name="relu"),
        keras.layers.Dense(10, activation="softmax", name="digit"),
    ])
    optimizer = keras.optimizers.RMSprop(
        keras.optimizers.schedules.CosineDecay(0.01, decay_steps=540), momentum=0.9, weight_decay=0.004
    )
    optimizer.exclude_from_weight_decay(var_names=EXCLUSIONS)
    compiled(model, optimizer)
    return model


def compiled(model, optimizer):
    model.compile(optimizer, loss="sparse_categorical_crossentropy", metrics=["accuracy"])


def train(model):
    (pixels, labels), held_out = digits()
    model.fit(pixels, labels, batch_size=BATCH, epochs=EPOCHS, shuffle=False, verbose=0)
    accuracy = model.evaluate(*held_out, verbose=0)[1]
    print(f"Keras: {int(model.optimizer.iterations)} steps, {100 * accuracy:.1f} % of the held-out digits are read")
    return accuracy


def begin(folder):
    keras.utils.set_random_seed(1)
    model = make_model()
    train(model)
    print(*(f"{variable.path} {variable.shape}" for variable in model.trainable_variables), sep="\n")
    model.save(os.path.join(folder, "model.keras"))
    with open(os.path.join(folder, "exclusions.json"), "w", encoding="utf-8") as file:
        json.dump(EXCLUSIONS, file)
    return model


def taken_back(folder):
    """The model as main.ts has left it."""
    model = make_model()
    with open(os.path.join(folder, "optimizer.json"), encoding="utf-8") as file:
        optimizer = keras.optimizers.RMSprop.from_config(json.load(file))
    optimizer.exclude_from_weight_decay(var_names=EXCLUSIONS)
    optimizer.build(model.trainable_variables)
    optimizer.load_own_variables(numpy.load(os.path.join(folder, "optimizer.npz")))
    compiled(model, optimizer)
    for variable, value in zip(model.weights, numpy.load(os.path.join(folder, "weights.npz")).values(), strict=True):
        variable.assign(value)
    return model


if __name__ == "__main__":
    command, folder = sys.argv[1:]
    if command == "begin":
        begin(folder)
    else:
        train(taken_back(folder))
