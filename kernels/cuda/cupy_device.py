"""The GPU as a device, through CuPy; the only module that touches cupy's arrays."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from kernels.cuda import compiler, sources
from kernels.cuda.device import Buffer

STATIC_SHARED_LIMIT = 48 * 1024  # dynamic shared memory beyond it must be asked for


class CupyDevice:
    """One GPU with a stream of its own; kernels are compiled when the first one runs."""

    def __init__(self) -> None:
        self._cupy: Any = importlib.import_module("cupy")
        cupy = self._cupy
        device = cupy.cuda.Device()
        properties = cupy.cuda.runtime.getDeviceProperties(device.id)
        self.name = properties["name"].decode()
        self.architecture = device.compute_capability
        self.stream = cupy.cuda.Stream(non_blocking=True)
        self._functions: dict[str, Any] = {}
        self._modules: dict[str, Any] = {}

    def put(self, array: NDArray[Any]) -> Buffer:
        """Copy an array to the device."""
        with self.stream:
            return self._cupy.asarray(np.ascontiguousarray(array))

    def update(self, buffer: Buffer, array: NDArray[Any]) -> None:
        """Copy an array into the front of a buffer."""
        flat = np.ascontiguousarray(array).reshape(-1)
        with self.stream:
            buffer.reshape(-1)[: flat.size].set(flat, stream=self.stream)

    def empty(self, shape: int | tuple[int, ...], dtype: DTypeLike) -> Buffer:
        """Return memory with unknown contents."""
        with self.stream:
            return self._cupy.empty(shape, dtype)

    def fill(self, buffer: Buffer, byte: int) -> None:
        """Set every byte of a buffer."""
        self._cupy.cuda.runtime.memsetAsync(buffer.data.ptr, byte, buffer.nbytes, self.stream.ptr)

    def get(self, buffer: Buffer) -> NDArray[Any]:
        """Copy a buffer back and wait for it."""
        return np.asarray(self._cupy.asnumpy(buffer, stream=self.stream))

    def launch(
        self,
        kernel: str,
        blocks: int,
        threads: int,
        arguments: Sequence[Buffer | int],
        shared_bytes: int = 0,
    ) -> None:
        """Run a kernel on the stream, after its arguments were checked."""
        signature = sources.kernels()[kernel]
        sources.check_arguments(signature, tuple(arguments))
        typed = tuple(
            argument if parameter.is_pointer else sources.DTYPES[parameter.dtype].type(argument)
            for parameter, argument in zip(signature.parameters, arguments, strict=True)
        )
        function = self._function(signature)
        if shared_bytes > STATIC_SHARED_LIMIT:
            function.max_dynamic_shared_size_bytes = shared_bytes
        with self.stream:
            function((blocks,), (threads,), typed, shared_mem=shared_bytes)

    def recorded(self, steps: Callable[[], None]) -> Callable[[], None]:
        """Return a CUDA graph of the steps: one launch for all of them."""
        steps()  # compiles, allocates, and does the work of the first call
        self.stream.synchronize()
        with self.stream:
            self.stream.begin_capture()
            try:
                steps()
            finally:
                graph = self.stream.end_capture()

        def replay() -> None:
            graph.launch(self.stream)

        return replay

    def _function(self, kernel: sources.Kernel) -> Any:
        if kernel.name not in self._functions:
            if kernel.file not in self._modules:
                path = compiler.binary_of(
                    sources.text_of(kernel.file), kernel.file, self.architecture
                )
                self._modules[kernel.file] = self._cupy.RawModule(path=str(path))
            self._functions[kernel.name] = self._modules[kernel.file].get_function(kernel.name)
        return self._functions[kernel.name]
