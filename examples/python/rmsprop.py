"""RMSprop in rmsprop.wasm for a Python host: whole steps on NumPy views of the module's memory."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import wasmtime

# The order of the rows and slots at the boundary: ts/generated/hyperparameters.ts, codes.ts.
HYPERPARAMETERS = (
    "weight_decay", "clipnorm", "global_clipnorm", "clipvalue", "use_ema", "ema_momentum", "ema_overwrite_frequency",
    "loss_scale_factor", "gradient_accumulation_steps", "rho", "momentum", "epsilon", "centered",
    "epsilon_mode", "momentum_mode", "weight_decay_mode", "maximize", "initial_velocity",
)  # fmt: skip
SLOTS = ("average", "gradient_accumulator", "velocity", "momentum", "average_gradient")
# The types of gradients, by their indices there too: this host has views of float32 alone.
FLOAT32 = 0
DONE, SKIPPED, OUT_OF_MEMORY, FREED_VARIABLE, NOT_FOUND = range(5)

# Handles and addresses are unsigned, but WebAssembly's i32 arrives signed.
UNSIGNED = 0xFFFFFFFF

ENGINE = wasmtime.Engine()


def load(path: str) -> wasmtime.Module:
    """The compiled module, from which any number of kernels can be made."""
    return wasmtime.Module.from_file(ENGINE, path)


class Kernel:
    """One instance of the module, with a memory of its own. Its exports are attributes: `kernel.optimizer_create()`."""

    def __init__(self, module: wasmtime.Module) -> None:
        self._store = wasmtime.Store(ENGINE)
        # The module needs nothing from its host: the list of imports is empty.
        self._exports = wasmtime.Instance(self._store, module, []).exports(self._store)

    def __getattr__(self, name: str) -> Callable[..., Any]:
        function, store = self._exports[name], self._store
        # wasmtime takes no int for a float.
        types = [float if str(type) in ("f32", "f64") else int for type in function.type(store).params]

        def call(*arguments: float) -> Any:
            return function(store, *(convert(value) for convert, value in zip(types, arguments, strict=True)))

        setattr(self, name, call)
        return call

    def floats(self, address: int, size: int) -> np.ndarray:
        """`size` floats of the memory, not copied. A view is stale once memory was allocated: take it anew then."""
        memory = self._exports["memory"]
        buffer = memory.get_buffer_ptr(self._store)
        # NumPy keeps the buffer alive, and so the buffer keeps the memory.
        buffer.owner = self._store
        return np.frombuffer(buffer, np.float32, size, address & UNSIGNED)


class Variable:
    """Values and gradient in linear memory, float32 in C order."""

    def __init__(self, kernel: Kernel, value: np.ndarray | float, overwrite_with_gradient: bool = False) -> None:
        value = np.asarray(value, np.float32)
        self.kernel, self.shape, self.size = kernel, value.shape, value.size
        self.handle = kernel.variable_create(self.size, int(overwrite_with_gradient), FLOAT32)
        if self.handle == 0:
            raise MemoryError(f"there is no room for a variable of shape {self.shape}")
        self.value[...] = value

    @property
    def value(self) -> np.ndarray:
        return self._view(self.kernel.variable_value(self.handle))

    @property
    def gradient(self) -> np.ndarray:
        return self._view(self.kernel.variable_gradient(self.handle))

    def _view(self, address: int) -> np.ndarray:
        if address == 0:
            raise RuntimeError("the variable was freed")
        return self.kernel.floats(address, self.size).reshape(self.shape)

    def free(self) -> None:
        self.kernel.variable_free(self.handle)
        self.handle = 0


class RMSprop:
    """Keras' RMSprop over these variables. The options have Keras' names; those not given, Keras' defaults."""

    def __init__(self, variables: Sequence[Variable], **options: float | bool | None) -> None:
        self.variables = list(variables)
        self.kernel = kernel = self.variables[0].kernel
        self.handle = kernel.optimizer_create()
        for name, value in options.items():
            # "Off", which is None here, is NaN at the boundary.
            kernel.optimizer_set(self.handle, HYPERPARAMETERS.index(name), math.nan if value is None else float(value))
        for variable in self.variables:
            self._check(kernel.optimizer_add(self.handle, variable.handle))
        self._check(kernel.optimizer_build(self.handle))

    def step(
        self, learning_rate: float, indices: Iterable[int] | None = None, loss_scale: LossScale | None = None
    ) -> bool:
        """One step with the gradients of all variables, or of those in `indices`. False if the loss scale skipped it."""
        count = -1 if indices is None else 0
        for count, index in enumerate(indices or (), start=1):
            self._check(self.kernel.optimizer_select(self.handle, count - 1, index))
        scale = 0 if loss_scale is None else loss_scale.handle
        return self._check(self.kernel.optimizer_step(self.handle, scale, learning_rate, count))

    def slot(self, name: str, index: int) -> np.ndarray | None:
        """The state in slot `name` for the variable at `index`: a view, or None if it is not kept."""
        address = self.kernel.optimizer_slot(self.handle, SLOTS.index(name), index)
        variable = self.variables[index]
        return self.kernel.floats(address, variable.size).reshape(variable.shape) if address else None

    def exclude_from_weight_decay(self, index: int) -> None:
        # The optimizer's rate and, as NaN says, its decay, which does not apply; trained.
        self._check(self.kernel.optimizer_override(self.handle, index, 1.0, 0, math.nan, 1))

    def finalize_variable_values(self) -> None:
        self._check(self.kernel.optimizer_finalize(self.handle))

    @property
    def iterations(self) -> int:
        """Calls so far, including those that only accumulated gradients."""
        return self.kernel.optimizer_raw_iterations(self.handle)

    @iterations.setter
    def iterations(self, count: int) -> None:
        self.kernel.optimizer_set_raw_iterations(self.handle, count)

    def free(self) -> None:
        self.kernel.optimizer_free(self.handle)
        self.handle = 0

    @staticmethod
    def _check(status: int) -> bool:
        if status == OUT_OF_MEMORY:
            raise MemoryError("there is no room for the optimizer's state")
        if status in (FREED_VARIABLE, NOT_FOUND):
            raise RuntimeError("the optimizer, or a variable it trains, was freed")
        return status == DONE


class LossScale:
    """Keras' dynamic loss scale: doubles after `growth_steps` finite steps, halves when a gradient is not finite."""

    def __init__(self, kernel: Kernel, initial: float = 2.0**15, growth_steps: int = 2000) -> None:
        self.kernel = kernel
        self.handle = kernel.loss_scale_create(initial, growth_steps, -math.inf, math.inf)

    @property
    def value(self) -> float:
        return self.kernel.loss_scale_value(self.handle)

    @property
    def counter(self) -> int:
        return self.kernel.loss_scale_counter(self.handle)

    def set(self, value: float, counter: int) -> None:
        self.kernel.loss_scale_set(self.handle, value, counter)

    def free(self) -> None:
        self.kernel.loss_scale_free(self.handle)
        self.handle = 0
