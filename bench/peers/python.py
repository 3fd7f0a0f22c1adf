"""PyTorch, jax with optax, or Keras behind the protocol: python.py torch|jax|keras [threads], one if not said."""

import os
import sys
from time import perf_counter_ns

THREADS = int(sys.argv[2]) if len(sys.argv) > 2 else 1
COUNTS = ["OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"]
os.environ.update({name: str(THREADS) for name in COUNTS}, KERAS_BACKEND="numpy", JAX_PLATFORMS="cpu", CUDA_VISIBLE_DEVICES="")

import numpy as np


def start_xla():
    """XLA's pool has as many threads as the process may use processors when it starts. Later they may run anywhere."""
    if not hasattr(os, "sched_setaffinity"):
        return
    import jax

    processors = os.sched_getaffinity(0)
    os.sched_setaffinity(0, set(sorted(processors)[:THREADS]))
    jax.devices()
    for thread in os.listdir("/proc/self/task"):
        os.sched_setaffinity(int(thread), processors)


LEARNING_RATE = 0.001
SAMPLES = 4096


def hashed(i):
    return i * np.uint32(2654435761)


def value(i):
    return ((hashed(i) >> 8) / 2**23 - 1).astype(np.float32)


def gradient(i):
    bits = hashed(i + np.uint32(0x9E3779B9))
    magnitude = 0.25 + (bits >> 10) / 2**23
    return np.where((bits >> 9) & 1, -magnitude, magnitude).astype(np.float32)


def indices(text):
    """The index of every element in the whole model, tensor by tensor."""
    first = 0
    for part in text.split(","):
        size, _, count = part.partition("x")
        for _ in range(int(count or 1)):
            yield np.arange(first, first + int(size), dtype=np.uint32)
            first += int(size)


class Torch:
    options = {"momentum", "centered"}

    def __init__(self, values, gradients, options):
        import torch

        torch.set_num_threads(THREADS)
        self.parameters = [torch.nn.Parameter(torch.from_numpy(each)) for each in values]
        for parameter, each in zip(self.parameters, gradients):
            parameter.grad = torch.from_numpy(each)
        self.optimizer = torch.optim.RMSprop(
            self.parameters,
            lr=LEARNING_RATE,
            alpha=0.9,
            eps=1e-7,
            momentum=options.get("momentum", 0.0),
            centered=bool(options.get("centered", 0)),
        )

    def run(self, steps):
        for _ in range(steps):
            self.optimizer.step()

    def values(self):
        return [parameter.detach().numpy() for parameter in self.parameters]

    @staticmethod
    def versions():
        import torch

        return f"PyTorch {torch.__version__}"


class Jax:
    options = {"momentum", "centered"}

    def __init__(self, values, gradients, options):
        import jax
        import optax

        centered = bool(options.get("centered", 0))
        transform = optax.rmsprop(
            LEARNING_RATE, decay=0.9, eps=1e-7, centered=centered, momentum=options.get("momentum")
        )

        def step(parameters, state, gradients):
            updates, state = transform.update(gradients, state, parameters)
            return optax.apply_updates(parameters, updates), state

        self.step = jax.jit(step, donate_argnums=(0, 1))
        self.wait = jax.block_until_ready
        self.parameters = [jax.numpy.array(each) for each in values]
        self.gradients = [jax.numpy.array(each) for each in gradients]
        self.state = transform.init(self.parameters)

    def run(self, steps):
        for _ in range(steps):
            self.parameters, self.state = self.step(self.parameters, self.state, self.gradients)
        self.wait(self.parameters)

    def values(self):
        return [np.asarray(each) for each in self.parameters]

    @staticmethod
    def versions():
        import jax
        import optax

        return f"jax {jax.__version__}, optax {optax.__version__}"


class Keras:
    options = {
        *("momentum", "centered", "weight_decay", "clipnorm", "global_clipnorm"),
        *("use_ema", "ema_momentum"),
    }

    def __init__(self, values, gradients, options):
        import keras

        flags = {name: bool(options[name]) for name in ("centered", "use_ema") if name in options}
        self.variables = [keras.Variable(each) for each in values]
        self.gradients = gradients
        self.optimizer = keras.optimizers.RMSprop(LEARNING_RATE, **{**options, **flags})
        self.optimizer.build(self.variables)

    def run(self, steps):
        for _ in range(steps):
            self.optimizer.apply(self.gradients, self.variables)

    def values(self):
        return [variable.numpy() for variable in self.variables]

    @staticmethod
    def versions():
        import keras

        return f"Keras {keras.__version__} on NumPy {np.__version__}"


def main():
    kind = {"torch": Torch, "jax": Jax, "keras": Keras}[sys.argv[1]]
    # Standard output is for answers: what libraries have to say goes to standard error.
    answers, sys.stdout = sys.stdout, sys.stderr
    if kind is Jax:
        start_xla()
    models = {}

    def make(name, sizes, regime, *options):
        numbers = {key: float(number) for key, number in (option.split("=") for option in options)}
        if regime != "dense" or not numbers.keys() <= kind.options:
            return "unsupported"
        elements = list(indices(sizes))
        models[name] = kind([value(i) for i in elements], [gradient(i) for i in elements], numbers)
        return "ok"

    def run(name, steps):
        model, count = models[name], int(steps)
        started = perf_counter_ns()
        model.run(count)
        return str(perf_counter_ns() - started)

    def values(name):
        joined = np.concatenate(models[name].values())
        samples = joined[:: max(1, -(-joined.size // SAMPLES))].astype(np.float32)
        return " ".join(f"{word:x}" for word in samples.view(np.uint32))

    def free(name):
        del models[name]
        return "ok"

    commands = {"make": make, "run": run, "values": values, "free": free}
    print("ready", kind.versions(), file=answers, flush=True)
    for line in sys.stdin:
        command, *words = line.split()
        try:
            answer = commands[command](*words)
        except Exception as error:
            answer = f"error {error!r}".replace("\n", " ")
        print(answer, file=answers, flush=True)


main()
