"""Copies that are mirrored or recolored: counted, hinted at, left out where asked."""

import numpy as np
import pytest
from PIL import Image

from core.errors import InputError
from core.scan.apply_thresholds import apply_thresholds
from core.scan.settings import ScanSettings


def test_mirrored_copies_are_left_out_where_that_is_asked_for(scan, pictures, draw):
    paths = pictures(10)
    draw(0).transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(paths[1])
    _, scan_data = scan(paths)

    found = [
        apply_thresholds(scan_data, ScanSettings(ignored_changes=names)).counts[
            "duplicates"
        ]
        for names in ((), ("rotated", "recolored"), ("mirrored",))
    ]

    assert found == [2, 2, 0]


def test_mirrored_pairs_with_two_labels_are_counted(scan, pictures, draw):
    paths = pictures(10)
    draw(0).transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(paths[1])
    labels = np.array([0, 1] + [0] * 8, np.int32)

    findings, _ = scan(paths, labels=labels, classes=["left", "right"])

    assert findings.counts["pairs_mirrored"] == 1
    assert findings.counts["pairs_mirrored_other_label"] == 1


def test_a_change_that_is_not_known_is_refused():
    with pytest.raises(InputError, match="no change 'flipped'"):
        ScanSettings(ignored_changes=("flipped",))


def test_recolored_copies_of_two_classes_are_hinted_at_and_can_be_left_out(
    scan, pictures, draw
):
    paths = pictures(14)
    for number in range(7):
        red, green, blue = draw(number).split()
        Image.merge("RGB", (blue, red, green)).save(paths[7 + number])
    labels = np.array([0] * 7 + [1] * 7, np.int32)

    findings, scan_data = scan(paths, labels=labels, classes=["red", "blue"])

    counts = findings.counts
    assert counts["pairs_recolored"] == counts["pairs_recolored_other_label"]
    left = apply_thresholds(scan_data, ScanSettings(ignored_changes=("recolored",)))
    assert left.counts["duplicates"] == 0


def test_a_mirrored_copy_in_another_split_leaks_unless_mirrors_are_left_out(
    scan, pictures, draw
):
    paths = pictures(10)
    draw(0).transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(paths[9])
    splits = np.array([0] * 8 + [1] * 2, np.int32)

    findings, scan_data = scan(paths, splits=splits, split_names=["train", "test"])

    assert np.flatnonzero(findings.columns["leak"]).tolist() == [0, 9]
    left = apply_thresholds(scan_data, ScanSettings(ignored_changes=("mirrored",)))
    assert left.counts["leaks"] == 0
