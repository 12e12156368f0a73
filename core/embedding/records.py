"""What is kept of each picture, and what a model must offer to make it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..copy_detection import SIGNATURE_BYTES, SIGNATURE_VERSION
from ..reading.image_statistics import IMAGE_STATISTICS, STATISTICS_VERSION
from ..storage.record_store import KEY_BYTES, RecordStore

PICTURE_VERSION = 11
"""Raise it when :mod:`core.reading.decode` decodes differently: old records expire."""

_SEEN = np.dtype([("digest", "u1", (KEY_BYTES,))])

EmbedPixels: TypeAlias = Callable[
    [NDArray[np.uint8]], tuple[NDArray[np.float32], NDArray[np.float32]]
]


class ImageEmbedder(Protocol):
    """What the pass asks of a model; :class:`~core.models.registry.Embedder` has it.

    Attributes:
        name: of the model
        sha256: identifies model and precision; vectors of two are never mixed
        precision: such as "int8"
        input_size: height and width of its input in pixels
        copy_dim: numbers in a copy vector
        feature_dim: numbers in a feature vector
        min_candidate_similarity: see :class:`~core.models.registry.EmbedderSpec`
    """

    @property
    def name(self) -> str: ...
    @property
    def sha256(self) -> str: ...
    @property
    def precision(self) -> str: ...
    @property
    def input_size(self) -> int: ...
    @property
    def copy_dim(self) -> int: ...
    @property
    def feature_dim(self) -> int: ...
    @property
    def min_candidate_similarity(self) -> float: ...

    def open_session(self) -> EmbedPixels:
        """Returns a function, which threads may share: uint8[b, s, s, 3] to two
        vectors."""


def open_seen(folder: Path) -> RecordStore:
    """Opens the digests of files seen before, by their state in the file system."""
    return RecordStore(folder / "seen", _SEEN)


def open_store(folder: Path, embedder: ImageEmbedder | None) -> RecordStore:
    """Opens the records of pictures, in a folder named after all they depend on."""
    return RecordStore(folder / record_kind(embedder), record_dtype(embedder))


def record_kind(embedder: ImageEmbedder | None) -> str:
    """Returns a name of all that the records of pictures depend on."""
    parts = (
        embedder.sha256 if embedder else "no-model",
        embedder.input_size if embedder else 0,
        PICTURE_VERSION,
        SIGNATURE_VERSION,
        STATISTICS_VERSION,
        record_dtype(embedder).descr,
    )
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]


def record_dtype(embedder: ImageEmbedder | None) -> np.dtype[Any]:
    """Returns the type of a picture's record, see :class:`~.image_table.ImageTable`."""
    copy_dim = embedder.copy_dim if embedder else 0
    feature_dim = embedder.feature_dim if embedder else 0
    return np.dtype(
        [
            ("digest", "u1", (KEY_BYTES,)),
            ("picture_digest", "u1", (KEY_BYTES,)),
            ("is_pixel_digest", "?"),
            ("damage", "i1"),
            ("first_digest", "u1", (KEY_BYTES,)),
            ("picture_count", "<i4"),
            ("decoded_pixels", "<i8"),
            ("orientation", "u1"),
            ("width", "<i4"),
            ("height", "<i4"),
            ("captured", "<f8"),
            ("camera", "<u4"),
            ("statistics", "<f4", (len(IMAGE_STATISTICS),)),
            ("signature", "u1", (SIGNATURE_BYTES,)),
            ("copy", "<f2", (copy_dim,)),
            ("features", "<f2", (feature_dim,)),
        ]
    )
