"""The vectors of the built models stay what they were.

A stored run compares its vectors with those of later runs, so a change of the
model, of onnxruntime or of numpy that moves them must not go unnoticed.
After a change on purpose: ``python -m tests.golden.test_canonical_vectors``.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skimage
from numpy.typing import NDArray
from PIL import Image

from core.models.registry import DEFAULT_MODEL, load_embedder, spec_names
from tools.build_model import build_model

_STORED = Path(__file__).with_name("canonical_vectors.npz")
_NAMES = ("astronaut", "brick", "chelsea", "coffee", "page", "text")

# The integers are the same on every processor; the averages and products after them
# are float32. Between x86 with AVX2 and ARM with and without its instructions for dot
# products the least cosine was 0.99999. An integer that rounds the other way would be
# amplified by later layers: with every convolution in single precision it is 0.9993.
_MIN_COSINE = 0.9999


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


@pytest.mark.parametrize("name", spec_names())
def test_vectors_are_the_stored_ones(name: str) -> None:
    embedder = load_embedder(name)
    with np.load(_STORED, allow_pickle=False) as stored:
        expected = [
            stored[f"{name}.{kind}"].astype(np.float32) for kind in ("copy", "features")
        ]

    found = embedder.open_session()(_pixels(embedder.input_size))

    for vectors, known in zip(found, expected, strict=True):
        assert vectors.shape == known.shape
        assert _cosines(vectors, known).min() > _MIN_COSINE


@pytest.mark.parametrize("name", spec_names())
def test_a_vector_is_the_same_to_the_bit_in_any_batch_place_and_thread(
    name: str,
) -> None:
    embedder = load_embedder(name)
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
def test_int8_sees_what_float32_sees(name: str) -> None:
    small = load_embedder(name)
    whole = replace(
        small,
        model=build_model(int8=False).SerializeToString(),
        signature=replace(small.signature, pixel="RGB"),
    )
    pixels = _pixels(small.input_size)

    pairs = zip(whole.open_session()(pixels), small.open_session()(pixels), strict=True)

    for exact, rounded in pairs:
        assert (exact * rounded).sum(axis=1).min() > 0.97
        np.testing.assert_array_equal(
            (rounded @ exact.T).argmax(axis=1), np.arange(len(_NAMES))
        )


def test_the_larger_picture_serves_the_features_and_the_smaller_one_the_copies() -> (
    None
):
    default, quality = (load_embedder(name) for name in spec_names())
    large = _pixels(quality.input_size)
    small = large.reshape(-1, 128, 2, 128, 2, 3).mean(axis=(2, 4)).round()

    copy, features = quality.open_session()(large)
    other_copy, other_features = default.open_session()(small.astype(np.uint8))

    np.testing.assert_array_equal(copy, other_copy)
    assert _cosines(features, other_features).max() < 0.99
    assert default.sha256 != quality.sha256


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


def _cosines(a: NDArray[np.float32], b: NDArray[np.float32]) -> NDArray[np.float32]:
    lengths = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    cosines: NDArray[np.float32] = (a * b).sum(axis=1) / lengths
    return cosines


def _store() -> None:
    vectors: dict[str, Any] = {}
    for name in spec_names():
        embedder = load_embedder(name)
        copy, features = embedder.open_session()(_pixels(embedder.input_size))
        vectors[f"{name}.copy"] = copy.astype(np.float16)
        vectors[f"{name}.features"] = features.astype(np.float16)
    np.savez_compressed(_STORED, **vectors)


if __name__ == "__main__":
    _store()
