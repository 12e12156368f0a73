"""Looks at a person's own ONNX model in a child process before it is used.

A model file is a program from somewhere else: it may name files of this
machine as its weights, loop for ever, or ask for all memory. So its graph is
read first, and then tried on a few pictures, in a child process with limits
on memory and time; only a model that comes through is opened here. What is
left is a model that behaves in the probe and not later, so use models from
people you trust.

The child is this module, started as ``python -m core.models.onnx_probe`` in the
plugin's folder, with the model on its standard input.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import EmbedderError
from .onnx_session import Session, Signature, model_input, open_session

if TYPE_CHECKING:
    import onnxruntime

_PROBE_SECONDS = 60
_PROBE_BYTES = 4 * 2**30  # ten times what a large CPU model takes

_FREE_SIZE = 224  # what most models were trained with
_LARGEST_SIZE = 1024
_LARGEST_BATCH = 64
_LARGEST_DIM = 8192
_DTYPES = {
    "tensor(uint8)": "uint8",
    "tensor(float)": "float32",
    "tensor(float16)": "float16",
}
# Operators whose number of steps the graph decides for itself.
_UNBOUNDED = ("If", "Loop", "Scan")


@dataclass(frozen=True)
class ProbedModel:
    """What the probe found out.

    Attributes:
        signature: of the graph; one output
        input_size: height and width of the input in pixels
        dim: numbers in a vector
    """

    signature: Signature
    input_size: int
    dim: int


def probe_model(model: bytes) -> ProbedModel:
    """Tries a serialized ONNX model in a child process.

    Args:
        model: the bytes of the file

    Returns:
        a :class:`ProbedModel`

    Raises:
        EmbedderError: if the model cannot be used; its text says why
    """
    try:
        child = subprocess.run(
            [sys.executable, "-m", "core.models.onnx_probe"],
            input=model,
            capture_output=True,
            cwd=Path(__file__).parents[2],
            # One pool of threads in numpy would use up the address space.
            env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
            timeout=_PROBE_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise EmbedderError(
            f"it was stopped after {_PROBE_SECONDS} seconds with five pictures."
        ) from error
    if child.returncode != 0:
        lines = child.stderr.decode("utf-8", "replace").strip().splitlines()
        raise EmbedderError(
            f"it failed in a probe with {_PROBE_BYTES // 2**30} GiB of memory: "
            f"{lines[-1] if lines else f'exit code {child.returncode}'}."
        )
    answer = json.loads(child.stdout)
    if "refusal" in answer:
        raise EmbedderError(answer["refusal"])
    signature = answer["signature"]
    signature["outputs"] = tuple(signature["outputs"])
    return ProbedModel(Signature(**signature), answer["input_size"], answer["dim"])


def _main() -> None:
    _limit_memory()
    try:
        answer = asdict(_examine(sys.stdin.buffer.read()))
    except EmbedderError as refusal:
        answer = {"refusal": str(refusal)}
    json.dump(answer, sys.stdout)


def _limit_memory() -> None:
    try:
        import resource
    except ImportError:  # Windows, where only the time is limited
        return
    # macOS knows the limit of memory and refuses to set it
    with contextlib.suppress(ValueError):
        resource.setrlimit(resource.RLIMIT_AS, (_PROBE_BYTES, _PROBE_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _examine(model: bytes) -> ProbedModel:
    _check_graph(model)
    runtime = open_session(model, Signature("", "uint8", False, 1, ())).runtime
    signature, size = _input_signature(runtime)
    pictures = _pictures(size)
    signature = replace(
        signature, outputs=(_output_name(runtime, signature, pictures[0]),)
    )
    dim = _check_vectors(Session(runtime, signature), pictures)
    return ProbedModel(signature, size, dim)


def _check_graph(model: bytes) -> None:
    """Refuses a graph that is more than arithmetic on its own numbers."""
    import onnx
    from google.protobuf.message import DecodeError

    try:
        parsed = onnx.load_from_string(model)
    except DecodeError as error:
        raise EmbedderError("it is not an ONNX model, or it is incomplete.") from error
    if not parsed.graph.node:
        raise EmbedderError("it is not an ONNX model, or an empty one.")
    for part in _parts(parsed):
        if isinstance(part, onnx.TensorProto):
            if part.external_data or part.data_location == onnx.TensorProto.EXTERNAL:
                raise EmbedderError(
                    "it keeps weights in other files; make it one file with "
                    "`onnx.save(onnx.load('in.onnx'), 'out.onnx')`."
                )
        elif isinstance(part, onnx.FunctionProto):
            raise EmbedderError(
                f"it defines the function {part.name}; export it without functions."
            )
        elif isinstance(part, onnx.NodeProto):
            if part.domain not in ("", "ai.onnx"):
                raise EmbedderError(
                    f"it uses {part.op_type} of {part.domain}; only operators of "
                    "the ONNX standard are allowed."
                )
            if part.op_type in _UNBOUNDED:
                raise EmbedderError(
                    f"it uses {part.op_type}, which may never end; export it "
                    "without control flow."
                )


def _parts(message: Any) -> Iterator[Any]:
    """Every message inside a protobuf message, and itself."""
    yield message
    for field, value in message.ListFields():
        if field.message_type is not None:  # not numbers, text or bytes
            for child in [value] if hasattr(value, "ListFields") else value:
                yield from _parts(child)


def _input_signature(runtime: onnxruntime.InferenceSession) -> tuple[Signature, int]:
    """Reads the layout and size of the only input."""
    inputs = runtime.get_inputs()
    if len(inputs) != 1:
        names = ", ".join(i.name for i in inputs)
        raise EmbedderError(
            f"it needs one input, a picture, but has {names or 'none'}."
        )
    shape, dtype = inputs[0].shape, _DTYPES.get(inputs[0].type)
    if dtype is None:
        raise EmbedderError(f"its input is {inputs[0].type}, not uint8 or float.")
    if len(shape) != 4 or 3 not in (shape[1], shape[3]):
        raise EmbedderError(
            f"its input has the shape {shape}, not [batch, 3, height, width] or "
            "[batch, height, width, 3]."
        )
    channels_first = shape[1] == 3
    height, width = shape[2:] if channels_first else shape[1:3]
    sizes = {s for s in (height, width) if isinstance(s, int)} or {_FREE_SIZE}
    if len(sizes) != 1 or not 8 <= min(sizes) <= _LARGEST_SIZE:
        raise EmbedderError(
            f"its input is {height} x {width} pixels, not a square of 8 to "
            f"{_LARGEST_SIZE} pixels."
        )
    batch = shape[0] if isinstance(shape[0], int) else 1
    if not 1 <= batch <= _LARGEST_BATCH:
        raise EmbedderError(f"it insists on {batch} pictures in a run.")
    return Signature(inputs[0].name, dtype, channels_first, batch, ()), sizes.pop()


def _output_name(
    runtime: onnxruntime.InferenceSession,
    signature: Signature,
    picture: NDArray[np.uint8],
) -> str:
    """Finds the first output that is one vector of floats a picture."""
    inputs = {signature.image: model_input(picture[None], signature)}
    results = runtime.run(None, inputs)
    found = []
    for output, values in zip(runtime.get_outputs(), results, strict=True):
        shape = np.shape(values)
        found.append(f"{output.name} {output.type} {list(shape)}")
        if (
            isinstance(values, np.ndarray)
            and values.dtype.kind == "f"
            and (len(shape) == 2 or shape[2:] == (1, 1))
            and shape[0] == signature.batch
            and 2 <= shape[1] <= _LARGEST_DIM
        ):
            return str(output.name)
    raise EmbedderError(
        f"no output is a vector of 2 to {_LARGEST_DIM} floats a picture: "
        f"{'; '.join(found)}."
    )


def _check_vectors(session: Session, pictures: NDArray[np.uint8]) -> int:
    """Refuses a model that does not tell pictures apart, reliably."""
    vectors, _ = session(pictures)
    again, _ = session(pictures)
    if not np.isfinite(vectors).all():
        raise EmbedderError("it gives vectors that are zero or not finite.")
    if not np.array_equal(vectors, again):
        raise EmbedderError("it gives another vector for the same picture.")
    if np.ptp(vectors, axis=0).max() < 1e-4:
        raise EmbedderError("it gives the same vector for different pictures.")
    return int(vectors.shape[1])


def _pictures(size: int) -> NDArray[np.uint8]:
    """Five pictures that no embedding of pictures takes for one another."""
    rng = np.random.default_rng(0)
    ramp = np.linspace(0, 255, size)
    across = np.broadcast_to(ramp[None, :, None], (size, size, 3))
    down = np.broadcast_to(ramp[:, None, None], (size, size, 3))
    color = across * [1, 0.2, 0.1] + down * [0, 0.3, 0.9]
    checks = np.where((across // 32 + down // 32) % 2 > 0, 230, 20)
    noise = rng.integers(0, 256, (size, size, 3))
    disc = np.where((across - 128) ** 2 + (down - 128) ** 2 < 80**2, 200, 60)
    stacked = np.stack([color, checks, noise, disc, 255 - across])
    return stacked.astype(np.uint8)


if __name__ == "__main__":
    _main()
