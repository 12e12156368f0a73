"""Pictures of 32 pixels of one photograph each, cut and changed in several ways."""

import os

import cv2
import numpy as np
from PIL import Image
from skimage import data

from core.copy_detection import SIGNATURE_SIDE, signatures
from core.copy_detection import compositions as made
from core.scan.apply_thresholds import apply_thresholds
from core.scan.candidates_by_looks import alike_candidates, looks_from_afar
from core.scan.collect import collect_scan_data
from core.scan.scan_data import ScanInput

PHOTOS = 54
LEAST_FOUND = 44
LEAST_CAPTIONS = 13
SIDE = 32


def places():
    """PHOTOS places of photographs, textured and plain ones: RGB."""
    names = ("retina", "astronaut", "coffee", "immunohistochemistry", "rocket", "cat")
    for name in names:
        photo = getattr(data, name)()
        tall, wide = (length // 3 for length in photo.shape[:2])
        for row in range(3):
            for column in range(3):
                top, left = row * tall, column * wide
                yield np.ascontiguousarray(photo[top : top + tall, left : left + wide])


def cut_and_changed(photo, random):
    """Returns another cutting of a photograph, in other light."""
    share = random.uniform(0.76, 0.9, 2)
    tall, wide = (np.array(photo.shape[:2]) * share).astype(int)
    top, left = (
        int(random.integers(whole - part))
        for whole, part in zip(photo.shape[:2], (tall, wide), strict=True)
    )
    part = np.ascontiguousarray(photo[top : top + tall, left : left + wide])
    for change in (made.color_cast, made.gamma, made.saturation):
        part = change(part, random)
    return part


def tiny(picture):
    return cv2.resize(picture, (SIDE, SIDE), interpolation=cv2.INTER_AREA)


def clusters_of(shown, embedder, folder):
    """Scans pictures; returns the cluster of copies of each, or None."""
    paths = [folder / f"{number:03}.png" for number in range(len(shown))]
    for path, pixels in zip(paths, shown, strict=True):
        Image.fromarray(pixels).save(path)
    scanned = collect_scan_data(
        ScanInput([os.fsencode(path) for path in paths]),
        embedder,
        folder=folder / "cache",
    )
    return apply_thresholds(scanned).columns["dup_cluster"]


def test_cuttings_of_one_photograph_are_found_and_no_others(embedder, tmp_path):
    random = np.random.default_rng(3)
    photos = list(places())
    shown = [tiny(photo) for photo in photos]
    shown += [tiny(cut_and_changed(photo, random)) for photo in photos]

    cluster = clusters_of(shown, embedder, tmp_path)

    whole, cut = cluster[:PHOTOS], cluster[PHOTOS:]
    found = [one for one, other in zip(whole, cut, strict=True) if one and one == other]
    assert len(found) == len(set(found)) >= LEAST_FOUND
    # Of two plain places of one photograph it may be said that they are alike
    clusters = {one for one in cluster if one is not None}
    assert len(clusters - set(found)) <= 1


def test_what_a_frame_holds_is_proposed_though_it_was_cut_and_changed():
    random = np.random.default_rng(5)
    photos = list(places())
    shown = [*photos, made.bordered(cut_and_changed(photos[10], random), random)]
    side = (SIGNATURE_SIDE, SIGNATURE_SIDE)
    squares = [cv2.resize(tiny(one), side) for one in shown]

    pairs = alike_candidates(looks_from_afar(signatures(np.array(squares, np.uint8))))

    assert [PHOTOS, 10] in pairs.tolist()


def captioned(picture):
    """Writes on a bar that covers a third of a picture of 48 pixels."""
    result = picture.copy()
    result[26:42, 4:] = 255
    cv2.putText(result, "sample", (6, 38), 0, 0.4, (200, 0, 0))
    return result


def test_a_caption_over_a_third_of_a_small_picture_is_seen_through(embedder, tmp_path):
    side = (48, 48)
    photos = [cv2.resize(one, side, interpolation=cv2.INTER_AREA) for one in places()]

    cluster = clusters_of(
        photos + [captioned(one) for one in photos[::3]], embedder, tmp_path
    )

    bare, written = cluster[:PHOTOS:3], cluster[PHOTOS:]
    found = [one for one, other in zip(bare, written, strict=True) if one == other]
    told = {one for one in found if one is not None}
    assert len(told) >= LEAST_CAPTIONS
    # Two plain places of one sky under one caption may be said to be alike
    others = {one for one in cluster if one is not None} - told
    assert len(others) <= 1
