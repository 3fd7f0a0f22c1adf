"""Runs one case of the golden format (test/golden/README.md) through the real Keras and records what it computes."""

import base64
import contextlib
import math
import zlib

import keras
import numpy as np
from keras.src.optimizers.base_optimizer import global_norm

import schedule_spec

SLOTS = ("average", "average_gradient", "gradient_accumulator", "momentum", "velocity")
STATE_ORDER = sorted(SLOTS + ("variable",))


# --- bits -------------------------------------------------------------------------------------------------------------


def canonical_bytes(array):
    """Little-endian float32 bytes in C order, every NaN as 0x7fc00000."""
    bits = np.ascontiguousarray(array, "<f4").reshape(-1).view("<u4").copy()
    bits[(bits & 0x7FFFFFFF) > 0x7F800000] = 0x7FC00000
    return bits.tobytes()


def bits_of(value):
    return f"{int.from_bytes(canonical_bytes(np.float32(value)), 'little'):08x}"


def crc_of(arrays):
    crc = 0
    for array in arrays:
        crc = zlib.crc32(canonical_bytes(array), crc)
    return f"{crc:08x}"


def encode(array):
    return base64.b64encode(canonical_bytes(array)).decode()


def decode(text, shape):
    return np.frombuffer(base64.b64decode(text), "<f4").reshape(shape).astype(np.float32)


# --- generators -------------------------------------------------------------------------------------------------------


def draw(seed, k):
    """Draw number k (a uint32 array) of the counter-based generator; all arithmetic modulo 2^32."""
    z = np.uint32(seed) + (k + np.uint32(1)) * np.uint32(0x9E3779B9)
    z ^= z >> np.uint32(16)
    z *= np.uint32(0x85EBCA6B)
    z ^= z >> np.uint32(13)
    z *= np.uint32(0xC2B2AE35)
    z ^= z >> np.uint32(16)
    return z


def generate(spec, t, total, offset, shape, current=None):
    """Values of one variable at step t."""
    kind, size = spec["gen"], math.prod(shape)
    if kind == "self":
        return (current * np.float32(spec["scale"])).astype(np.float32)
    first = (0 if kind == "const" else t) * total + offset
    k = ((first + np.arange(size, dtype=np.uint64)) & np.uint64(0xFFFFFFFF)).astype(np.uint32)
    d0 = draw(spec["seed"], k * np.uint32(2))
    d1 = draw(spec["seed"], k * np.uint32(2) + np.uint32(1))
    if kind in ("uniform", "const", "sparse"):
        values = ((d0 >> np.uint32(8)).astype(np.int64) - 8388608).astype(np.float32) * np.float32(2.0**-23)
        values = values * np.float32(spec["scale"])
        if "bias" in spec:
            values = values + np.float32(spec["bias"])
        if kind == "sparse":
            values[(d1 & np.uint32(3)) != 0] = 0.0
    else:
        exponent = np.uint32(spec["emin"]) + (d0 >> np.uint32(8)) % np.uint32(spec["emax"] - spec["emin"] + 1)
        bits = (d1 & np.uint32(0x80000000)) | (exponent << np.uint32(23)) | (d1 & np.uint32(0x7FFFFF))
        if kind == "special":
            table = np.array(spec["table"], np.uint32)
            picked = (d0 & np.uint32(15)) < np.uint32(spec["rate"])
            bits = np.where(picked, table[(d0 >> np.uint32(8)) % np.uint32(len(table))], bits)
        values = bits.astype(np.uint32).view(np.float32)
    return values.astype(np.float32).reshape(shape)


# --- the model and its optimizer --------------------------------------------------------------------------------------


class Case:
    """The model variables of one case and the real optimizer that trains them."""

    def __init__(self, case, config=None):
        self.case = case
        specs = case["variables"]
        sizes = [math.prod(spec["shape"]) for spec in specs]
        self.total, self.offsets = sum(sizes), [sum(sizes[:i]) for i in range(len(sizes))]
        self.variables = [self._variable(i, spec) for i, spec in enumerate(specs)]
        # from_config changes the dictionary it is given: it gets a copy.
        config = dict(config or case["config"])
        self.inner = keras.optimizers.RMSprop.from_config(config)
        self.scaler = None
        if "loss_scale" in case:
            name = case.get("loss_scale_name", "lso")
            self.scaler = keras.optimizers.LossScaleOptimizer(self.inner, name=name, **case["loss_scale"])
        self.optimizer = self.scaler or self.inner
        names = case.get("exclude_from_weight_decay")
        excluded = [self.variables[i] for i in case.get("exclude_variables", [])]
        if names or excluded:
            self.inner.exclude_from_weight_decay(var_list=excluded, var_names=names)
        self.scale_loss_unbuilt = self.optimizer.scale_loss(np.float32(3.0))
        self.optimizer.build(self.variables)
        self.norm = None
        clip = self.inner._clip_gradients

        def clip_and_note(gradients):
            self.norm = bits_of(global_norm(gradients))
            return clip(gradients)

        self.inner._clip_gradients = clip_and_note

    def _variable(self, i, spec):
        if "init_b64" in spec:
            value = decode(spec["init_b64"], spec["shape"])
        else:
            value = generate(self.case["init"], 0, self.total, self.offsets[i], spec["shape"])
        with contextlib.ExitStack() as scopes:
            for scope in spec["path"].split("/")[:-1]:
                scopes.enter_context(keras.name_scope(scope))
            variable = keras.Variable(value, dtype="float32", name=spec["name"])
        assert variable.path == spec["path"], (variable.path, spec["path"])
        if spec.get("overwrite_with_gradient"):
            variable.overwrite_with_gradient = True
        if "constraint" in spec:
            variable.constraint = getattr(keras.constraints, spec["constraint"])()
        return variable

    def gradients(self, t):
        absent = {i for step, i in self.case.get("grad_none", []) if step == t}
        gradients = []
        for i, (spec, offset) in enumerate(zip(self.case["variables"], self.offsets)):
            current = self.variables[i].numpy()
            g = generate(self.case["grad"], t, self.total, offset, tuple(spec["shape"]), current)
            if self.case.get("times_scale"):
                g = (g * self.scaler.dynamic_scale.numpy()).astype(np.float32)
            for step, variable, index, bits in self.case.get("inject", []):
                if (step, variable) == (t, i):
                    g = np.array(g, np.float32)
                    g.reshape(-1).view(np.uint32)[index] = bits
            gradients.append(None if i in absent else g)
        return gradients

    def apply(self, t):
        self.norm = None
        for step, value in self.case.get("set_learning_rate", []):
            if step == t:
                self.optimizer.learning_rate = value
        gradients = self.gradients(t)
        order = dict(map(tuple, ((step, indices) for step, indices in self.case.get("order", [])))).get(t)
        if order is None:
            self.optimizer.apply(gradients)
        else:
            self.optimizer.apply([gradients[i] for i in order], [self.variables[i] for i in order])

    # --- what is recorded -------------------------------------------------------------------------------------------

    def slots(self):
        """Slot name → one array per variable, None where Keras keeps none; slots Keras does not have are absent."""
        inner = self.inner
        slots = {"variable": self.variables, "velocity": inner._velocities}
        if inner.use_ema:
            slots["average"] = inner._model_variables_moving_average
        if inner.gradient_accumulation_steps:
            slots["gradient_accumulator"] = inner._accumulated_gradients
        if inner.momentum > 0:
            slots["momentum"] = inner._momentums
        if inner.centered:
            slots["average_gradient"] = inner._average_gradients
        return {name: [None if v is None else v.numpy() for v in slot] for name, slot in slots.items()}

    def model_crc(self):
        return crc_of(v.numpy() for v in self.variables)

    def state_crc(self):
        slots = self.slots()
        return crc_of(a for name in STATE_ORDER for a in slots.get(name, []) if a is not None)

    def encoded_slots(self, encoding):
        form = encode if encoding == "b64f32" else lambda array: crc_of([array])
        return {name: [None if a is None else form(a) for a in slot] for name, slot in self.slots().items()}

    def cancels(self):
        """Whether rounding has made a denominator of `centered` ≤ 0: Keras then has NaN or inf, this package has not."""
        if not self.inner.centered:
            return False
        epsilon = np.float32(self.inner.epsilon)
        for velocity, average in zip(self.inner._velocities, self.inner._average_gradients):
            if velocity is not None:
                a = average.numpy()
                d = (velocity.numpy() - a * a) + epsilon
                if np.any((d <= 0) & (d != epsilon)):
                    return True
        return False

    def store(self):
        raw, store = {}, {}
        self.optimizer.save_own_variables(raw)
        for variable, (key, value) in zip(self.optimizer.variables, raw.items()):
            data = np.asarray(value)
            text = encode(data) if data.dtype == np.float32 else base64.b64encode(data.astype("<i4").tobytes()).decode()
            store[key] = {
                "path": variable.path, "dtype": str(data.dtype), "shape": list(data.shape), "b64": text,
            }
        return store

    def load(self, store):
        self.optimizer.load_own_variables({
            key: np.frombuffer(base64.b64decode(entry["b64"]), "<i4" if entry["dtype"] == "int32" else "<f4")
            .reshape(entry["shape"])
            for key, entry in store.items()
        })

    def raw_iterations(self):
        return int(self.inner._iterations.numpy())


def run(case, record=None):
    """Everything Keras computes for a case. `record` says where to take checkpoints: [[after_applies, encoding], …]."""
    subject = Case(case)
    out = {
        "optimizer_variable_paths": [v.path for v in subject.optimizer.variables],
        "get_config": subject.optimizer.get_config(),
    }
    schedule = subject.inner._learning_rate if isinstance(case["config"].get("learning_rate"), dict) else None
    if schedule is not None and "loss_scale" not in case and "set_learning_rate" not in case:
        out["lr_bits"] = [bits_of(schedule(t)) for t in range(case["steps"])]
        if not schedule_spec.is_exact(case["config"]["learning_rate"]):
            out["lr_inexact"] = True
            differs = schedule_spec.differences(case["config"]["learning_rate"], range(case["steps"]), out["lr_bits"])
            if differs:
                out["spec_differs"] = differs
    if subject.scaler:
        out["scale_loss_unbuilt_of_3"] = bits_of(subject.scale_loss_unbuilt)
    trace, state, checkpoints, norms = [], [], [], []
    record = dict(map(tuple, record or []))
    for t in range(case["steps"]):
        subject.apply(t)
        if "cancels_from" not in out and subject.cancels():
            out["cancels_from"] = t
        norms.append(subject.norm)
        trace.append(subject.model_crc())
        state.append(subject.state_crc())
        if subject.scaler:
            scale, counter = subject.scaler.dynamic_scale.numpy(), int(subject.scaler.step_counter.numpy())
            trace[-1] = [bits_of(scale), counter, subject.raw_iterations(), trace[-1], state[-1]]
        if t + 1 in record:
            checkpoints.append({
                "after_applies": t + 1,
                "raw_iterations": subject.raw_iterations(),
                "iterations": int(subject.inner.iterations),
                "encoding": record[t + 1],
                "slots": subject.encoded_slots(record[t + 1]),
            })
        if t + 1 == case.get("save_at"):
            out["store"] = subject.store()
    if subject.scaler:
        out["trace"] = trace
        out["final"] = subject.encoded_slots("b64f32")
        out["own_iteration_after"] = int(subject.scaler._iterations.numpy())
        out["scale_loss_of_3_after"] = bits_of(subject.scaler.scale_loss(np.float32(3.0)))
    else:
        out["trace_crc32"], out["state_crc32"] = trace, state
    out["norm_bits"] = norms
    if checkpoints:
        out["checkpoints"] = checkpoints
    if subject.inner.use_ema:
        subject.optimizer.finalize_variable_values(subject.variables)
        out["finalized_crc32"] = subject.model_crc()
    return out


def resume(case, config, variables, store):
    """Loads a store that this package wrote into a fresh real optimizer and trains on: the rest of the recorded trace."""
    subject = Case(case, config)
    for variable, spec, text in zip(subject.variables, case["variables"], variables):
        variable.assign(decode(text, spec["shape"]))
    subject.load(store)
    rest = []
    for t in range(case["save_at"], case["steps"]):
        subject.apply(t)
        rest.append([subject.model_crc(), subject.state_crc()])
    return rest


def run_schedule(case, steps):
    schedule = keras.optimizers.schedules.deserialize({
        "module": "keras.optimizers.schedules", "class_name": case["class_name"], "config": dict(case["config"]),
        "registered_name": None,
    })
    serialized = keras.optimizers.schedules.serialize(schedule)
    bits = [bits_of(schedule(step)) for step in steps]
    return {
        "serialized": serialized, "lr_bits": bits, "spec_differs": schedule_spec.differences(serialized, steps, bits),
    }
