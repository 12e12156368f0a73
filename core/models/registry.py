"""The embedding models: which there are, and how to load one.

A model turns a square picture into two vectors. ``copy`` finds copies;
``features`` finds outliers and wrong labels. The models in :data:`SPECS` are one
file, which ships with the plugin and is checked by its SHA-256. Its numbers are
integers that are the same on every processor (``tools/int8_weights.py``), so
findings hardly depend on the machine; nothing is downloaded.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from ..errors import EmbedderError, InputError
from .onnx_probe import probe_model
from .onnx_session import Session, Signature, open_session

DEFAULT_MODEL = "efficientnet-lite0"

MODEL_FILE = Path(__file__).parent / "data" / "efficientnet_lite0.onnx"
MODEL_SHA256 = "146799227e856578006c43deafae78bd5c765c2b2a751d0ccbeb6867846f64ff"
"""Of the file; see ``tools/build_model.py``."""

_VECTORS_SHA256 = "c21e57ba9c1a68e5e33b09e7729847ab24183d96ce88d3f5d28d8367b04f8f8a"
"""Of the first file with these vectors. A file that computes the same to the last bit
in another order keeps it, and with it the vectors in people's caches."""

_COPY_SIZE = 128  # pixels; the copy vector was learned on pictures of this size
_COPY_DIM, _FEATURE_DIM = 256, 1280
_AT_ONCE = 16
"""Pictures a run: most weights are read once for all of them. 1.22 CPU ms a picture, 8
at once 1.24, one 1.62, 32 and 64 1.21 and 1.26."""
# Of 1,000 planted copies among 25,000 pictures, .99 lie above it.
_MIN_CANDIDATE_SIMILARITY = 0.75


@dataclass(frozen=True)
class EmbedderSpec:
    """A way to use the model that ships with the plugin.

    Attributes:
        name: what the person types
        description: what it is good for, a sentence
        input_size: height and width of its input in pixels
    """

    name: str
    description: str
    input_size: int


SPECS: Mapping[str, EmbedderSpec] = {
    spec.name: spec
    for spec in (
        EmbedderSpec(
            name=DEFAULT_MODEL,
            description="EfficientNet-Lite0 at 128 pixels: fast, for all findings.",
            input_size=_COPY_SIZE,
        ),
        EmbedderSpec(
            name="efficientnet-lite0-quality",
            description=(
                "EfficientNet-Lite0 at 256 pixels: six times slower, finds more "
                "wrong labels, and the same copies as the default."
            ),
            input_size=2 * _COPY_SIZE,
        ),
    )
}


def spec_names() -> list[str]:
    """The names that :func:`load_embedder` takes, the default first."""
    return list(SPECS)


# Nothing is known of such a model's similarities, so only pairs that are
# nearly the same vector count, and the pictures decide the rest. Models that
# put copies further apart (SSCD: 0.75) find fewer copies with this.
OWN_MIN_CANDIDATE_SIMILARITY = 0.8
_LARGEST_FILE = 2**30  # bytes; the probe has four times as much memory


@dataclass(frozen=True, eq=False)
class Embedder:
    """A model that is verified and ready to run.

    Vectors of two embedders may be compared only if ``sha256`` agrees.

    Attributes:
        name: of the model
        precision: "int8", or "own" for a model of the person's own
        sha256: identifies the model, and the input size where it is free
        input_size: height and width of its input in pixels
        copy_dim: numbers in a copy vector
        feature_dim: numbers in a feature vector
        min_candidate_similarity: pictures whose copy vectors are less similar
            (cosine) are not compared
    """

    name: str
    precision: Literal["int8", "own"]
    sha256: str
    input_size: int
    copy_dim: int
    feature_dim: int
    min_candidate_similarity: float
    model: bytes = field(repr=False)
    signature: Signature = field(repr=False)

    def open_session(self) -> Session:
        """Opens the model.

        A call computes in the thread that calls, and threads may share what is opened:
        a second costs 15 MB and is no faster (two threads, 1.24 CPU ms a picture).
        """
        return open_session(self.model, self.signature)


def load_embedder(model: str | Path = DEFAULT_MODEL) -> Embedder:
    """Loads a model.

    A model of the person's own is an ``.onnx`` file, all in one file, with
    one input for square RGB pictures (uint8, or float for pictures scaled by
    ImageNet's mean and standard deviation; channels first or last; 224 pixels
    where its size is free) and an output with one vector a picture, which
    serves as the copy and as the feature vector. It is tried in a child
    process first; see :mod:`core.models.onnx_probe`.

    Args:
        model: a name of :func:`spec_names`, or the path of an ONNX model

    Returns:
        an :class:`Embedder`

    Raises:
        InputError: if there is no such model or file
        EmbedderError: if the model is not the one that was tested, or cannot be
            used
    """
    spec = SPECS.get(str(model))
    if spec is not None:
        return _shipped_embedder(spec)
    if Path(model).suffix.lower() != ".onnx":
        raise InputError(
            f"There is no model {str(model)!r}; choose one of {', '.join(SPECS)}, "
            "or give the path of an .onnx file."
        )
    return _own_embedder(Path(model))


def _shipped_embedder(spec: EmbedderSpec) -> Embedder:
    model = MODEL_FILE.read_bytes() if MODEL_FILE.is_file() else b""
    actual = hashlib.sha256(model).hexdigest()
    if actual != MODEL_SHA256:
        raise EmbedderError(
            f"The model {MODEL_FILE} has sha256 {actual}, but {MODEL_SHA256} was "
            "tested; the file is damaged or missing: install the plugin again."
        )
    identity = f"{_VECTORS_SHA256} at {spec.input_size}"
    return Embedder(
        name=spec.name,
        precision="int8",
        sha256=hashlib.sha256(identity.encode()).hexdigest(),
        input_size=spec.input_size,
        copy_dim=_COPY_DIM,
        feature_dim=_FEATURE_DIM,
        min_candidate_similarity=_MIN_CANDIDATE_SIMILARITY,
        model=model,
        signature=Signature(
            "image",
            "uint8",
            channels_first=False,
            batch=1,
            outputs=("copy", "features"),
            copy_size=_COPY_SIZE,
            at_once=_AT_ONCE,
            pixel="BGRX",
        ),
    )


def _own_embedder(path: Path) -> Embedder:
    if not path.is_file():
        raise InputError(f"There is no model file {path}.")
    size = path.stat().st_size
    if size > _LARGEST_FILE:
        raise InputError(
            f"The model file {path} has {size / 2**30:.1f} GiB; at most "
            f"{_LARGEST_FILE / 2**30:.0f} GiB can be loaded."
        )
    model = path.read_bytes()
    try:
        probed = probe_model(model)
    except EmbedderError as error:
        raise EmbedderError(f"The model {path} cannot be used: {error}") from error
    return Embedder(
        name=path.name,
        precision="own",
        sha256=hashlib.sha256(model).hexdigest(),
        input_size=probed.input_size,
        copy_dim=probed.dim,
        feature_dim=probed.dim,
        min_candidate_similarity=OWN_MIN_CANDIDATE_SIMILARITY,
        model=model,
        signature=probed.signature,
    )
