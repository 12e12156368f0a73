"""Runs an embedding graph on the thread that calls."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import onnxruntime

# The convention of torchvision, timm and most exported models.
_IMAGENET_MEAN = np.array([0.485, 0.456, 0.406], np.float32)
_IMAGENET_STD = np.array([0.229, 0.224, 0.225], np.float32)


@dataclass(frozen=True)
class Signature:
    """How a graph wants its picture and where it gives its vectors.

    Attributes:
        image: name of the input
        dtype: numpy name of its type. "uint8" gets the pixels as they are,
            "float32" and "float16" get them scaled to 0..1, minus ImageNet's
            mean and divided by its standard deviation
        channels_first: whether the input is [batch, 3, s, s], not
            [batch, s, s, 3]
        batch: pictures that the graph insists on in one run
        outputs: names of the outputs with the copy vector and the feature
            vector; one name where one vector serves as both
        copy_size: height and width in pixels of the picture that the copy vector
            is read from, where larger ones are averaged down to it; None where it
            is read from any
        at_once: pictures that may share a run: their vectors are known to be the same
            to the last bit, whatever stands beside them
        pixel: bytes of a pixel: red, green and blue, or blue, green, red and one that
            says nothing
    """

    image: str
    dtype: str
    channels_first: bool
    batch: int
    outputs: tuple[str, ...]
    copy_size: int | None = None
    at_once: int = 1
    pixel: Literal["RGB", "BGRX"] = "RGB"


@dataclass(frozen=True, eq=False)
class Session:
    """An opened graph; call it with pictures, from any thread."""

    runtime: onnxruntime.InferenceSession
    signature: Signature

    def __call__(
        self, pixels: NDArray[np.uint8]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Embeds pictures.

        A picture's vectors are the same to the last bit, whatever stands beside it.

        Args:
            pixels: uint8 ``b x s x s x 3``, RGB, at least one picture

        Returns:
            a tuple of

            -   copy: float32 ``b x c``, rows of unit length
            -   features: float32 ``b x f``, rows of unit length

            A row is NaN throughout where the graph gave a vector that is not
            finite or is zero.
        """
        step = self.signature.at_once
        runs = [
            self._run(pixels[start : start + step])
            for start in range(0, len(pixels), step)
        ]
        vectors = [
            _unit_rows(np.concatenate(outputs)) for outputs in zip(*runs, strict=True)
        ]
        return vectors[0], vectors[-1]

    def _run(self, images: NDArray[np.uint8]) -> list[NDArray[Any]]:
        """Returns the vectors of pictures that share a run, an array an output."""
        signature = self.signature
        side = signature.copy_size or images.shape[1]
        outputs = self._outputs(images, signature.outputs)
        if side == images.shape[1]:
            return outputs
        (copy,) = self._outputs(_averaged(images, side), signature.outputs[:1])
        return [copy, *outputs[1:]]

    def _outputs(
        self, images: NDArray[np.uint8], names: tuple[str, ...]
    ) -> list[NDArray[Any]]:
        inputs = {self.signature.image: model_input(images, self.signature)}
        outputs = self.runtime.run(names, inputs)
        # Less what the graph gave for pictures that only fill up its batch
        return [np.reshape(one[: len(images)], (len(images), -1)) for one in outputs]


def model_input(images: NDArray[np.uint8], signature: Signature) -> NDArray[Any]:
    """Arranges pictures, uint8 ``b x s x s x 3``, the way a graph wants them."""
    values: NDArray[Any] = images
    if signature.pixel == "BGRX":
        # All pictures as one tall one
        tall = cv2.cvtColor(images.reshape(-1, *images.shape[2:]), cv2.COLOR_RGB2BGRA)
        values = tall.reshape(*images.shape[:3], 4)
    if signature.dtype != "uint8":
        scaled = (images / np.float32(255) - _IMAGENET_MEAN) / _IMAGENET_STD
        values = scaled.astype(signature.dtype)
    if signature.channels_first:
        values = values.transpose(0, 3, 1, 2)
    # A graph for exactly n pictures gets one picture n times.
    return (
        values if signature.batch == 1 else np.repeat(values, signature.batch, axis=0)
    )


def _averaged(images: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """Averages pictures down to a side that divides their own."""
    times = images.shape[1] // side
    fields = images.reshape(-1, side, times, side, times, 3)
    averages: NDArray[np.uint8] = np.rint(fields.mean(axis=(2, 4))).astype(np.uint8)
    return averages


def open_session(model: bytes, signature: Signature) -> Session:
    """Opens a serialized graph, on the CPU."""
    return Session(open_runtime(model), signature)


def open_runtime(
    model: bytes, constants: Mapping[str, NDArray[Any]] | None = None
) -> onnxruntime.InferenceSession:
    """Opens a serialized graph, whatever it computes; each run takes one thread.

    Args:
        model: the graph
        constants: of the graph, those that it only names; not copied, so they are
            kept as long as it is used
    """
    import onnxruntime  # a second of start-up that a look-up need not pay

    constants = constants or {}
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    # One block for all that is computed, planned ahead: 8 MB more, and no faster
    options.enable_mem_pattern = False
    options.log_severity_level = 3  # errors; warnings are for the model's author
    options.add_external_initializers(
        list(constants),
        [onnxruntime.OrtValue.ortvalue_from_numpy(v) for v in constants.values()],
    )
    return onnxruntime.InferenceSession(
        model, options, providers=["CPUExecutionProvider"]
    )


def _unit_rows(vectors: NDArray[Any]) -> NDArray[np.float32]:
    # In double precision, where the square of no float32 overflows
    squares = np.einsum("ij,ij->i", vectors, vectors, dtype=np.float64)
    squares[~(np.isfinite(squares) & (squares > 0))] = np.nan
    rows = np.empty(vectors.shape, np.float32)
    lengths = np.sqrt(squares)[:, None]
    np.divide(vectors, lengths, rows, dtype=np.float64, casting="same_kind")
    return rows
