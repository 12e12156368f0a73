"""Pictures of one kind in one pose, such as X-rays: they lie on one another."""

import itertools

import cv2
import numpy as np
import pytest
from PIL import Image

from core.copy_detection import (
    MIN_COPY_SCORE,
    SIGNATURE_SIDE,
    signatures,
    verify_pairs,
)

SIDE = 256
PATIENTS = 30


def hill(x, y, at, width):
    return np.exp(-(((x - at[0]) / width[0]) ** 2) - ((y - at[1]) / width[1]) ** 2)


def radiograph(patient):
    """Two lungs with ribs beside a spine and a heart; each patient has other ones."""
    random = np.random.default_rng(patient)
    y, x = np.mgrid[0:SIDE, 0:SIDE] / SIDE
    body = np.exp(-(((x - 0.5) / 0.42) ** 4) - ((y - 0.6) / 0.55) ** 4)
    light = 60 + 130 * body
    for middle in (0.32, 0.68):
        middle += random.normal() * 0.012
        width = 0.13 + random.normal() * 0.008
        height = 0.27 + random.normal() * 0.012
        inside = ((x - middle) / width) ** 2 + ((y - 0.45) / height) ** 2
        lung = 1 / (1 + np.exp(6 * (inside - 1)))
        first, ribs = random.uniform(0, 6), 9 + random.normal() * 0.5
        arcs = np.sin(2 * np.pi * (y * ribs + 6 * (x - middle) ** 2) + first)
        light += lung * (14 * arcs - 95)
    light += 35 * np.exp(-(((x - 0.5) / 0.05) ** 2))
    light += 40 * hill(x, y, (0.55 + random.normal() * 0.01, 0.62), (0.1, 0.12))
    for _ in range(40):
        across, down, wide = random.uniform((0.2, 0.15, 0.1), (0.8, 0.8, 0.17))
        light += random.normal() * 9 * hill(x, y, (across, down), (wide, wide))
    light += random.normal(size=light.shape) * 2
    gray = np.clip(light, 0, 255).astype(np.uint8)
    return np.repeat(gray[..., None], 3, axis=2)


@pytest.fixture(scope="module")
def narrow():
    """Pairs of patients that signatures narrowly take for copies."""
    pairs = np.array([*itertools.combinations(range(PATIENTS), 2)], np.int32)
    size = (SIGNATURE_SIDE, SIGNATURE_SIDE)
    squares = [
        cv2.resize(radiograph(patient), size, interpolation=cv2.INTER_AREA)
        for patient in range(PATIENTS)
    ]
    sizes = np.full((PATIENTS, 2), SIDE, np.int32)
    found = verify_pairs(signatures(np.array(squares)), pairs, sizes)
    assert (found.scores[found.narrow] >= MIN_COPY_SCORE).all()
    damaged = np.ones(PATIENTS, bool)
    of_damaged = verify_pairs(
        signatures(np.array(squares)), pairs, sizes, damaged=damaged
    )
    assert not of_damaged.narrow.any()
    return pairs[found.narrow].tolist()


def test_strangers_in_one_pose_are_no_copies_and_a_copy_of_one_is(
    scan, tmp_path, narrow
):
    assert len(narrow) >= 2
    paths = []
    for patient in range(PATIENTS):
        paths.append(tmp_path / f"{patient:02}.png")
        Image.fromarray(radiograph(patient)).save(paths[-1])
    copy = radiograph(narrow[0][0])[20:, :240]
    paths.append(tmp_path / "copy.jpg")
    Image.fromarray(copy).resize((180, 177)).save(paths[-1], quality=60)

    applied, scan_data = scan(paths)

    cluster = applied.columns["dup_cluster"]
    found = [path.stem for path, one in zip(paths, cluster, strict=True) if one == 0]
    assert found == [f"{narrow[0][0]:02}", "copy"]
    assert {one for one in cluster if one is not None} == {0}
    # Nor are copies of one patient taken for copies of another
    assert (scan_data.recall.negative_scores < MIN_COPY_SCORE).all()
    tried = scan_data.trial.pairs
    assert (tried.looked & ~np.isnan(tried.untouched)).any()
