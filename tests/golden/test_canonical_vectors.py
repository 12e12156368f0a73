"""The vectors of the built models stay what they were.

A stored run compares its vectors with those of later runs, so a change of the
model, of onnxruntime or of numpy that moves them must not go unnoticed.
After a change on purpose: ``python -m tests.golden.test_canonical_vectors``.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skimage
from numpy.typing import NDArray
from PIL import Image

from core import embedders
from core.embedders import DEFAULT_MODEL, Embedder, load_embedder, spec_names

_STORED = Path(__file__).with_name("canonical_vectors.npz")
_NAMES = ("astronaut", "brick", "chelsea", "coffee", "page", "text")
_CASES = [(name, precision) for name in spec_names() for precision in ("fp32", "int8")]
_HAS_INT8 = embedders._fastest_precision() == "int8"


def _pixels(size: int) -> NDArray[np.uint8]:
    """Lossless pictures, cut and never resized: the same on every machine."""
    pictures = []
    for name in _NAMES:
        path = Path(skimage.__file__).parent / "data" / f"{name}.png"
        with Image.open(path) as image:
            picture = np.asarray(image.convert("RGB"))
        repeats = -(-size // min(picture.shape[:2]))
        pictures.append(np.tile(picture, (repeats, repeats, 1))[:size, :size])
    return np.stack(pictures)


def _load(name: str, precision: str) -> Embedder:
    if precision == "int8" and not _HAS_INT8:
        pytest.skip("this processor has no VNNI and runs fp32, which is compared")
    return load_embedder(name, precision="int8" if precision == "int8" else "fp32")


@pytest.mark.parametrize(("name", "precision"), _CASES)
def test_vectors_are_the_stored_ones(name: str, precision: str) -> None:
    embedder = _load(name, precision)
    with np.load(_STORED, allow_pickle=False) as stored:
        expected_copy = stored[f"{name}.{precision}.copy"].astype(np.float32)
        expected_features = stored[f"{name}.{precision}.features"].astype(np.float32)

    copy, features = embedder.open_session()(_pixels(embedder.input_size))

    # Rounding of an activation may fall the other way on another processor.
    tolerance = 1e-3 if precision == "fp32" else 5e-3
    assert copy.shape == (len(_NAMES), embedder.copy_dim)
    assert features.shape == (len(_NAMES), embedder.feature_dim)
    np.testing.assert_allclose(copy, expected_copy, atol=tolerance)
    np.testing.assert_allclose(features, expected_features, atol=tolerance)


@pytest.mark.parametrize("name", spec_names())
def test_what_this_processor_runs_is_among_the_stored_ones(name: str) -> None:
    embedder = load_embedder(name)

    with np.load(_STORED, allow_pickle=False) as stored:
        assert f"{name}.{embedder.precision}.copy" in stored
    assert embedder.precision == ("int8" if _HAS_INT8 else "fp32")


@pytest.mark.parametrize(("name", "precision"), _CASES)
def test_a_vector_is_the_same_to_the_bit_in_any_batch_place_and_thread(
    name: str, precision: str
) -> None:
    embedder = _load(name, precision)
    pixels = _pixels(embedder.input_size)
    session = embedder.open_session()

    copy, features = session(pixels)
    backward = session(pixels[::-1])
    single = [session(pixels[i : i + 1]) for i in range(len(pixels))]
    with ThreadPoolExecutor(3) as pool:
        threaded = list(pool.map(lambda _: embedder.open_session()(pixels), range(3)))

    np.testing.assert_array_equal(backward[0][::-1], copy)
    np.testing.assert_array_equal(backward[1][::-1], features)
    np.testing.assert_array_equal(np.concatenate([c for c, _ in single]), copy)
    np.testing.assert_array_equal(np.concatenate([f for _, f in single]), features)
    for other_copy, other_features in threaded:
        np.testing.assert_array_equal(other_copy, copy)
        np.testing.assert_array_equal(other_features, features)


@pytest.mark.parametrize("name", spec_names())
def test_int8_sees_what_fp32_sees(name: str) -> None:
    whole, small = _load(name, "fp32"), _load(name, "int8")
    pixels = _pixels(whole.input_size)

    pairs = zip(whole.open_session()(pixels), small.open_session()(pixels), strict=True)

    for exact, rounded in pairs:
        assert (exact * rounded).sum(axis=1).min() > 0.97
        np.testing.assert_array_equal(
            (rounded @ exact.T).argmax(axis=1), np.arange(len(_NAMES))
        )


def test_a_mirrored_brighter_copy_is_nearer_than_any_other_picture() -> None:
    embedder = load_embedder(DEFAULT_MODEL)
    pixels = _pixels(embedder.input_size)
    edited = np.clip(pixels[:, :, ::-1] * 1.15, 0, 255).astype(np.uint8)
    session = embedder.open_session()

    similarity = session(pixels)[0] @ session(edited)[0].T

    own = np.diag(similarity)
    others = similarity[~np.eye(len(pixels), dtype=bool)]
    assert own.min() > embedder.min_candidate_similarity
    assert own.min() > others.max()


def _store() -> None:
    """Renews the vectors that this processor can make; the others stay."""
    with np.load(_STORED, allow_pickle=False) as stored:
        vectors: dict[str, Any] = dict(stored)
    for name, precision in _CASES:
        if precision == "int8" and not _HAS_INT8:
            continue
        embedder = _load(name, precision)
        copy, features = embedder.open_session()(_pixels(embedder.input_size))
        vectors[f"{name}.{precision}.copy"] = copy.astype(np.float16)
        vectors[f"{name}.{precision}.features"] = features.astype(np.float16)
    np.savez_compressed(_STORED, **vectors)


if __name__ == "__main__":
    _store()
