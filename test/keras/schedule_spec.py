"""The schedules as this package specifies them: float32 operations as in Keras, pow/cos/log in float64, rounded once.

Keras' NumPy backend calls the float32 pow/cos/log of the machine, which differ between machines by an ulp. This second
implementation says exactly where the specification and the Keras of this machine give different bits.
"""

import math

import numpy as np

f = np.float32


def power(x, y):
    return f(np.power(np.float64(x), np.float64(y)))


def cosine(x):
    return f(np.cos(np.float64(x)))


def logarithm(x):
    return f(np.log(np.float64(x)))


def exponential(c, s):
    p = s / f(c["decay_steps"])
    return f(c["initial_learning_rate"]) * power(f(c["decay_rate"]), np.floor(p) if c["staircase"] else p)


def inverse_time(c, s):
    p = s / f(c["decay_steps"])
    return f(c["initial_learning_rate"]) / (f(1) + f(c["decay_rate"]) * (np.floor(p) if c["staircase"] else p))


def polynomial(c, s):
    steps, end = f(c["decay_steps"]), f(c["end_learning_rate"])
    if c["cycle"]:
        steps = steps * (f(1) if s == 0 else np.ceil(s / steps))
    else:
        s = min(s, steps)
    return (f(c["initial_learning_rate"]) - end) * power(f(1) - s / steps, f(c["power"])) + end


def cosine_decay(c, s):
    steps, start = f(c["decay_steps"]), f(c["initial_learning_rate"])

    def decay(step, rate):
        cosine_decayed = f(0.5) * (f(1) + cosine(f(math.pi) * (step / steps)))
        return rate * (f(1 - c["alpha"]) * cosine_decayed + f(c["alpha"]))

    if c["warmup_target"] is None:
        return decay(min(s, steps), start)
    target, warmup = f(c["warmup_target"]), f(c["warmup_steps"])
    s = min(s, steps + warmup)
    return (target - start) * (s / warmup) + start if s < warmup else decay(s - warmup, target)


def cosine_restarts(c, s):
    fraction = s / f(c["first_decay_steps"])
    t_mul, alpha = f(c["t_mul"]), f(c["alpha"])
    if t_mul == 1:
        restart = np.floor(fraction)
        fraction = fraction - restart
    else:
        restart = np.floor(logarithm(f(1) - fraction * (f(1) - t_mul)) / logarithm(t_mul))
        grown = power(t_mul, restart)
        fraction = (fraction - (f(1) - grown) / (f(1) - t_mul)) / grown
    cosine_decayed = (f(0.5) * power(f(c["m_mul"]), restart)) * (f(1) + cosine(f(math.pi) * fraction))
    return f(c["initial_learning_rate"]) * ((f(1) - alpha) * cosine_decayed + alpha)


SPECIFIED = {
    "ExponentialDecay": exponential,
    "InverseTimeDecay": inverse_time,
    "PolynomialDecay": polynomial,
    "CosineDecay": cosine_decay,
    "CosineDecayRestarts": cosine_restarts,
}


def is_exact(serialized):
    """Whether no pow, cos or log that can round is involved, so that Keras has the same bits on every machine."""
    kind, config = serialized["class_name"], serialized["config"]
    if kind == "PolynomialDecay":
        return config.get("power", 1.0) == 1.0
    return kind in ("InverseTimeDecay", "PiecewiseConstantDecay")


def differences(serialized, steps, keras_bits):
    """[{index, spec_bits, ulp}, …] of the entries where the specification has other bits than Keras."""
    if is_exact(serialized):
        return []
    found = []
    for index, (step, bits) in enumerate(zip(steps, keras_bits)):
        value = f(SPECIFIED[serialized["class_name"]](serialized["config"], f(np.int32(step))))
        spec = 0x7FC00000 if np.isnan(value) else int(value.view(np.uint32))
        if f"{spec:08x}" != bits:
            found.append({"index": index, "spec_bits": f"{spec:08x}", "ulp": abs(ordered(spec) - ordered(int(bits, 16)))})
    return found


def ordered(bits):
    """Maps float32 bits to integers in the order of the floats, so that a difference counts ulps."""
    return bits if bits < 0x80000000 else 0x80000000 - bits
