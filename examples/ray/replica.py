"""The replica, an actor: its optimizer is the fold of a log of gradients on disk. Killed, it comes back where it was."""

import os
import zlib
from pathlib import Path

import numpy as np
import ray
from rmsprop import Kernel, RMSprop, Variable, load
from training import LEARNING_RATE, OPTIONS, UNITS_PER_UPDATE

SIZE = 3
RECORD = np.dtype([("unit", "<u4"), ("gradient", "<f4", SIZE), ("crc", "<u4")])


# `max_task_retries`: a call that was under way when the actor died is made again, so every method may run twice.
@ray.remote(max_restarts=-1, max_task_retries=-1)
class Replica:
    def __init__(self, module: str, folder: str) -> None:
        self.variable = Variable(Kernel(load(module)), np.zeros(SIZE))
        self.optimizer = RMSprop([self.variable], **OPTIONS)
        self.next = 0
        self.waiting: dict[int, np.ndarray] = {}
        path = Path(folder, "gradients.log")
        whole = self.replay(path.read_bytes() if path.exists() else b"")
        self.log = open(path, "ab")
        # A record that was being written when the actor died.
        self.log.truncate(whole)

    def replay(self, log: bytes) -> int:
        """Applies the log; returns the bytes of its whole records."""
        records = np.frombuffer(log, RECORD, len(log) // RECORD.itemsize)
        for count, record in enumerate(records):
            if zlib.crc32(record.tobytes()[:-4]) != record["crc"]:
                return count * RECORD.itemsize
            self.apply(int(record["unit"]), record["gradient"].copy())
        return records.nbytes

    def inputs(self) -> tuple[int, np.ndarray]:
        """The first unit of the window, and the values that all its gradients are computed from."""
        return self.base(), self.variable.value.copy()

    def append(self, base: int, unit: int, gradient: np.ndarray) -> None:
        """Takes a gradient, unless another attempt was first, or it was computed from other values."""
        if base != self.base() or unit < self.next or unit in self.waiting:
            return
        record = np.zeros((), RECORD)
        record["unit"], record["gradient"] = unit, gradient
        record["crc"] = zlib.crc32(record.tobytes()[:-4])
        self.log.write(record.tobytes())
        self.log.flush()
        os.fsync(self.log.fileno())
        self.apply(unit, gradient)

    def base(self) -> int:
        return self.next - self.next % UNITS_PER_UPDATE

    def apply(self, unit: int, gradient: np.ndarray) -> None:
        """Applies what can be applied, in the order of units."""
        self.waiting[unit] = gradient
        while self.next in self.waiting:
            self.variable.gradient[...] = self.waiting.pop(self.next)
            self.optimizer.step(LEARNING_RATE)
            self.next += 1
