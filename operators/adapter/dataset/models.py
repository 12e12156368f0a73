"""Finds what a scan embeds with: built-in model, ONNX file, zoo model, field."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import fiftyone as fo
import fiftyone.core.fields as fof
import fiftyone.zoo as foz
import numpy as np
from numpy.typing import NDArray

from ....core.embedding.records import ImageEmbedder
from ....core.errors import EmbedderError, InputError
from ....core.models.registry import (
    OWN_MIN_CANDIDATE_SIMILARITY,
    load_embedder,
    spec_names,
)

_ZOO_INPUT_SIZE = 224


@dataclass(frozen=True, eq=False)
class ZooEmbedder:
    """A model of FiftyOne's zoo, in the shape that the core asks for.

    Zoo models need not be thread-safe, so one call runs at a time.
    """

    name: str
    sha256: str
    copy_dim: int
    feature_dim: int
    embed_all: Callable[[list[NDArray[np.uint8]]], Any]
    precision: str = "zoo"
    input_size: int = _ZOO_INPUT_SIZE
    min_candidate_similarity: float = OWN_MIN_CANDIDATE_SIMILARITY
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def open_session(
        self,
    ) -> Callable[[NDArray[np.uint8]], tuple[NDArray[np.float32], NDArray[np.float32]]]:
        def embed(
            pixels: NDArray[np.uint8],
        ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
            with self._lock:
                vectors = _unit_rows(self.embed_all(list(pixels)))
            return vectors, vectors

        return embed


def load_model(model: str) -> ImageEmbedder:
    """Loads a built-in model, an ONNX file or a model of FiftyOne's zoo.

    Raises:
        InputError: there is no such model
        EmbedderError: it cannot be loaded or gives no vectors
    """
    if model in spec_names() or model.lower().endswith(".onnx"):
        return load_embedder(model)
    if model not in foz.list_zoo_models():
        raise InputError(
            f"There is no model '{model}'. Use one of {', '.join(spec_names())}, the "
            "path of an .onnx file, or the name of a model of FiftyOne's zoo."
        )
    return _load_zoo_model(model)


def read_vectors(view: fo.DatasetView, name: str) -> NDArray[np.float32]:
    """Reads the embeddings in a field.

    Returns:
        float32[n, d]

    Raises:
        InputError: no such field, or a sample without a good vector
    """
    candidates = vector_field_candidates(view)
    if name not in candidates:
        names = ", ".join(candidates) or "none"
        raise InputError(
            f"'{name}' is not a field of embeddings. Vector fields here: {names}."
        )
    values = view.values(name)
    missing = sum(value is None for value in values)
    if missing:
        raise InputError(
            f"{missing:,} of {len(values):,} samples have no embedding in '{name}'. "
            "Compute them first, or scan the view that has them: "
            f"dataset.exists('{name}')."
        )
    dims = {len(value) for value in values}
    if len(dims) > 1:
        raise InputError(
            f"The embeddings in '{name}' have {len(dims)} different lengths "
            f"({min(dims)} to {max(dims)} numbers). They must come from one model."
        )
    vectors = np.asarray(values, np.float32)
    bad = ~np.isfinite(vectors).all(axis=1) | ~vectors.any(axis=1)
    if bad.any():
        raise InputError(
            f"{int(bad.sum()):,} embeddings in '{name}' are all zero or hold NaN or "
            "infinity. Compute them again."
        )
    return vectors


def vector_field_candidates(samples: fo.core.collections.SampleCollection) -> list[str]:
    """Returns the names of the fields that hold one vector a sample."""
    schema = samples.get_field_schema(flat=False)
    return [name for name, field in schema.items() if _is_vector(field)]


def _is_vector(field: fof.Field) -> bool:
    if isinstance(field, fof.ListField):
        return isinstance(field.field, fof.FloatField)
    return isinstance(field, fof.VectorField)


def _load_zoo_model(name: str) -> ZooEmbedder:
    try:
        model = foz.load_zoo_model(name)
    # Zoo models bring their own code: a download, torch, anything may fail
    except Exception as error:
        raise EmbedderError(
            f"FiftyOne could not load its zoo model '{name}': {error}"
        ) from error
    if not getattr(model, "has_embeddings", False):
        raise EmbedderError(
            f"The zoo model '{name}' gives no embeddings. Choose one tagged "
            "'embeddings', or leave the model out."
        )
    probe = np.zeros((_ZOO_INPUT_SIZE, _ZOO_INPUT_SIZE, 3), np.uint8)
    vectors = np.asarray(model.embed_all([probe]))
    if vectors.ndim != 2:
        raise EmbedderError(
            f"The zoo model '{name}' does not give one vector an image."
        )
    dim = vectors.shape[1]
    return ZooEmbedder(name, _identity(name), dim, dim, model.embed_all)


def _identity(name: str) -> str:
    """Returns a SHA-256 of the model's weights, or of its name without any."""
    path = foz.find_zoo_model(name)
    if path and Path(path).is_file():
        return hashlib.sha256(Path(path).read_bytes()).hexdigest()
    return hashlib.sha256(name.encode()).hexdigest()


def _unit_rows(vectors: Any) -> NDArray[np.float32]:
    rows = np.asarray(vectors, np.float32)
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        unit: NDArray[np.float32] = rows / norms
    return unit
