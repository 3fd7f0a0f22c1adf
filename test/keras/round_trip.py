"""A model that moves to TensorFlow.js and back by examples/keras-tfjs loses nothing. `run.mjs` calls it.

    round_trip.py begin <folder>       trains in Keras and saves
    round_trip.py unchanged <folder>   after main.ts without training: all is as Keras has saved it
    round_trip.py trained <folder>     after main.ts with training: Keras has the state of the files, and goes on
"""

import os
import sys

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
sys.path.insert(0, os.path.join(ROOT, "examples", "keras-tfjs"))

import keras  # noqa: E402
import model as example  # noqa: E402
import numpy  # noqa: E402


def bits(variables):
    return [(str(v.dtype), tuple(v.shape), numpy.asarray(v).tobytes()) for v in variables]


def assert_same(what, found, wanted):
    different = [i for i, pair in enumerate(zip(found, wanted, strict=True)) if pair[0] != pair[1]]
    if different:
        sys.exit(f"  {what} differ at {different}")
    print(f"  {len(found)} {what}: equal in every bit")


def unchanged(folder):
    saved = keras.models.load_model(os.path.join(folder, "model.keras"))
    back = example.taken_back(folder)
    assert_same("weights", bits(back.weights), bits(saved.weights))
    assert_same("arrays of the optimizer", bits(back.optimizer.variables), bits(saved.optimizer.variables))
    configs = [optimizer.get_config() for optimizer in (back.optimizer, saved.optimizer)]
    for config in configs:
        # The default name counts up.
        del config["name"]
    assert_same("options", sorted(configs[0].items(), key=str), sorted(configs[1].items(), key=str))


def trained(folder):
    back = example.taken_back(folder)
    store = numpy.load(os.path.join(folder, "optimizer.npz"))
    assert_same("arrays of the optimizer", bits(back.optimizer.variables), bits(store.values()))
    before = int(back.optimizer.iterations)
    accuracy = example.train(back)
    if not (before == 2 * 180 and int(back.optimizer.iterations) == 3 * 180 and accuracy > 0.95):
        sys.exit(f"  {before} and {int(back.optimizer.iterations)} steps, accuracy {accuracy}")


if __name__ == "__main__":
    {"begin": example.begin, "unchanged": unchanged, "trained": trained}[sys.argv[1]](sys.argv[2])
