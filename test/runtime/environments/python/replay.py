"""suite.js for a Python host: the same scenarios on the raw module, the same report as JSON.

python replay.py rmsprop.wasm scenarios.json
"""

import json
import math
import re
import sys
import zlib

import numpy as np
from rmsprop import SLOTS, Kernel, LossScale, RMSprop, Variable, load

MODULE = load(sys.argv[1])
with open(sys.argv[2]) as file:
    DATA = json.load(file)
STEPS, SHAPES = DATA["STEPS"], [tuple(shape) for shape in DATA["SHAPES"]]
DEFAULT_LEARNING_RATE = 0.001


class Random:
    """`generator` of suite.js, many numbers at a time."""

    def __init__(self, seed: int) -> None:
        self.state = seed

    def floats(self, shape: tuple[int, ...]) -> np.ndarray:
        size, state = math.prod(shape), self.state
        states = np.empty(size, np.uint32)
        for i in range(size):
            state = (state * 1664525 + 1013904223) & 0xFFFFFFFF
            states[i] = state
        self.state = state
        return ((states >> 8) / 8388608 - 1).astype(np.float32).reshape(shape)


def snake_case(name: str) -> str:
    return re.sub("[A-Z]", lambda letter: "_" + letter[0].lower(), name)


def schedule(kernel: Kernel, name: str, options: dict):
    """The learning rate as a function of the step: the module's, with Keras' defaults for what is not given."""
    of = options.get
    if name == "PiecewiseConstantDecay":
        index = lambda step: sum(step > boundary for boundary in options["boundaries"])  # noqa: E731
        return lambda step: float(np.float32(options["values"][index(step)]))
    arguments = {
        "ExponentialDecay": lambda: [of("decaySteps"), of("decayRate"), int(of("staircase", False))],
        "InverseTimeDecay": lambda: [of("decaySteps"), of("decayRate"), int(of("staircase", False))],
        "PolynomialDecay": lambda: [
            of("decaySteps"), of("endLearningRate", 0.0001), of("power", 1), int(of("cycle", False)),
        ],
        "CosineDecay": lambda: [
            of("decaySteps"), of("alpha", 0), of("warmupTarget", math.nan), of("warmupSteps", 0),
        ],
        "CosineDecayRestarts": lambda: [of("firstDecaySteps"), of("tMul", 2), of("mMul", 1), of("alpha", 0)],
    }[name]()  # fmt: skip
    function = getattr(kernel, snake_case(name).lstrip("_"))
    return lambda step: function(step, options["initialLearningRate"], *arguments)


def slots(optimizer: RMSprop) -> list[np.ndarray]:
    indices = range(len(optimizer.variables))
    views = (optimizer.slot(name, index) for name in SLOTS for index in indices)
    return [view for view in views if view is not None]


def train(kernel: Kernel, scenario: dict, seed: int) -> list[np.ndarray]:
    """One scenario; its last state, in the order of suite.js."""
    random = Random(seed)
    overwrite, non_negative = scenario.get("overwrite", []), scenario.get("nonNeg", [])
    variables = [Variable(kernel, random.floats(shape), i in overwrite) for i, shape in enumerate(SHAPES)]
    options = {snake_case(name): value for name, value in scenario["options"].items()}
    constant = float(np.float32(options.pop("learning_rate", DEFAULT_LEARNING_RATE)))
    is_constant = "schedule" not in scenario
    rate = (lambda step: constant) if is_constant else schedule(kernel, *scenario["schedule"])
    optimizer = RMSprop(variables, **options)
    for i in range(len(variables)):
        if f"variable_{i}" in scenario.get("exclude", []):
            optimizer.exclude_from_weight_decay(i)
    scale = None
    if "scale" in scenario:
        growth_steps = scenario["scale"]["dynamicGrowthSteps"]
        scale = LossScale(kernel, scenario["scale"]["initialScale"], growth_steps)

    for step in range(STEPS):
        if step == scenario.get("reload"):
            values = [variable.value.copy() for variable in variables]
            state, iterations = [slot.copy() for slot in slots(optimizer)], optimizer.iterations
            optimizer.free()
            for variable in variables:
                variable.free()
            variables = [Variable(kernel, value) for value in values]
            optimizer = RMSprop(variables, **options)
            optimizer.iterations = iterations
            for slot, saved in zip(slots(optimizer), state, strict=True):
                slot[...] = saved
            if scale:
                value, counter = scale.value, scale.counter
                scale.free()
                scale = LossScale(kernel, growth_steps=growth_steps)
                scale.set(value, counter)
        magnitude = 2.0 ** ((step % 9) - 4) * (scale.value if scale else options.get("loss_scale_factor", 1))
        for variable in variables:
            np.multiply(random.floats(variable.shape), np.float32(magnitude), out=variable.gradient)
        if scale and step % 23 == 22:
            variables[2].gradient[100] = np.inf
        indices = [i for i in range(len(variables)) if i != step % len(variables)] if "absent" in scenario else None
        if optimizer.step(rate(optimizer.iterations), indices, scale):
            for i in non_negative:
                np.maximum(variables[i].value, 0, out=variables[i].value)

    if "finalize" in scenario:
        optimizer.finalize_variable_values()
    last = [variable.value.copy() for variable in variables]
    if scale:
        last += [np.int32(0), np.float32(0), np.int32(scale.counter), np.float32(scale.value)]
        scale.free()
    last.append(np.int32(optimizer.iterations))
    if is_constant:
        last.append(np.float32(constant))
    last += [slot.copy() for slot in slots(optimizer)]
    last.append(np.float32(rate(optimizer.iterations)))
    optimizer.free()
    for variable in variables:
        variable.free()
    return last


def seed(kernel: Kernel) -> Variable:
    w = Variable(kernel, 10.0)
    optimizer = RMSprop([w])
    w.gradient[...] = w.value
    optimizer.step(0.1)
    optimizer.free()
    return w


def growth() -> None:
    kernel = Kernel(MODULE)
    w = seed(kernel)
    kernel.memory_limit(2**26)
    large = Variable(kernel, np.zeros(2**20))
    assert w.value.view(np.uint32) == 0x411AF0BB, w.value
    try:
        Variable(kernel, np.zeros(2**24))
    except MemoryError:
        large.free()
    else:
        raise AssertionError("there was room beyond the limit")


def freed() -> None:
    kernel = Kernel(MODULE)
    w = seed(kernel)
    optimizer = RMSprop([w])
    w.free()
    for action in (lambda: optimizer.step(0.1), lambda: w.value):
        try:
            action()
        except RuntimeError:
            continue
        raise AssertionError("what was freed can still be used")


def many(kernel: Kernel, count: int) -> None:
    variables = [Variable(kernel, 10.0) for _ in range(count)]
    optimizers = [RMSprop([variable]) for variable in variables]
    for variable, optimizer in zip(variables, optimizers, strict=True):
        variable.gradient[...] = variable.value
        optimizer.step(0.1)
    assert all(variable.value.view(np.uint32) == 0x411AF0BB for variable in variables)


def main() -> None:
    kernel, crc, results = Kernel(MODULE), 0, []
    counts = {"optimizers": 1000, "runtimes": 200}

    def test(name, body) -> None:
        try:
            results.append({"name": name, "ok": True, "detail": body()})
        except Exception as error:  # noqa: BLE001
            results.append({"name": name, "ok": False, "detail": f"{type(error).__name__}: {error}"})

    def scenario(i: int) -> str:
        nonlocal crc
        for array in train(kernel, DATA["SCENARIOS"][i], i + 1):
            crc = zlib.crc32(array.tobytes(), crc)
        return f"{crc:08x}"

    def seeds() -> None:
        for _ in range(counts["runtimes"]):
            assert seed(Kernel(MODULE)).value.view(np.uint32) == 0x411AF0BB

    for i, each in enumerate(DATA["SCENARIOS"]):
        test(each["name"], lambda: scenario(i))  # noqa: B023
    test("growth of memory", growth)
    test("free", freed)
    test("optimizers at once", lambda: many(kernel, counts["optimizers"]))
    test("the seed example, in runtimes made and dropped", seeds)
    print(json.dumps({"backend": "wasm-simd128", "crc": f"{crc:08x}", "counts": counts, "results": results}))


main()
