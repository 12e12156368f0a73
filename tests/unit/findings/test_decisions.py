"""What a person decided has the last word, whatever was measured."""

import os
import shutil

import numpy as np
import pytest
from PIL import Image, ImageFilter

from core.findings.decisions import Decisions, no_decisions, ruled_out
from core.models.registry import load_embedder
from core.scan.apply_thresholds import apply_thresholds
from core.scan.collect import collect_scan_data
from core.scan.scan_data import ScanInput


@pytest.fixture(scope="module")
def scan_data(draw, tmp_path_factory):
    """Pictures 0 to 13 differ; 14 is a copy of 0, 15 has the pixels of 1,
    16 the bytes of 2; 17 is a dark stranger. The last four are the test split."""
    folder = tmp_path_factory.mktemp("pictures")
    paths = [folder / f"{number:02d}.png" for number in range(18)]
    for number, path in enumerate(paths[:14]):
        draw(number).save(path)
    draw(0).filter(ImageFilter.GaussianBlur(0.6)).save(paths[14])
    draw(1).save(paths[15], compress_level=1)
    shutil.copyfile(paths[2], paths[16])
    Image.new("RGB", (64, 64), (3, 3, 3)).save(paths[17])
    labels = np.array([0, 1] * 9, np.int32)
    scan_input = ScanInput(
        [os.fsencode(path) for path in paths],
        labels,
        ["a", "b"],
        np.array([0] * 14 + [1] * 4, np.int32),
        ["train", "test"],
    )
    return collect_scan_data(scan_input, load_embedder(), folder=folder / "cache")


def decide(keep=(), verified=(), distinct=(), keeper=()):
    flags = np.zeros((3, 18), bool)
    for row, chosen in enumerate((keep, keeper, verified)):
        flags[row, list(chosen)] = True
    return Decisions(*flags, np.array(distinct, np.int64).reshape(-1, 2))


def clusters(findings):
    """The rows of each cluster."""
    found = {}
    for row, number in enumerate(findings.columns["dup_cluster"]):
        if number is not None:
            found.setdefault(number, set()).add(row)
    return sorted(map(sorted, found.values()))


def test_the_planted_copies_are_found(scan_data):
    findings = apply_thresholds(scan_data)

    assert clusters(findings) == [[0, 14], [1, 15], [2, 16]]
    assert findings.columns["leak"][:3] == [True] * 3


def test_no_decisions_change_nothing(scan_data):
    assert (
        apply_thresholds(scan_data, decisions=no_decisions(18)).columns
        == apply_thresholds(scan_data).columns
    )


def test_a_pair_that_is_no_copy_is_neither_duplicate_nor_leak(scan_data):
    findings = apply_thresholds(scan_data, decisions=decide(distinct=[(14, 0)]))

    assert clusters(findings) == [[1, 15], [2, 16]]
    assert findings.columns["leak"][0] is findings.columns["leak"][14] is False
    assert findings.columns["leak"][1] is True


def test_equal_pictures_stay_copies_whatever_was_said_of_the_pair(scan_data):
    findings = apply_thresholds(
        scan_data, decisions=decide(distinct=[(1, 15), (2, 16)])
    )

    assert clusters(findings) == [[0, 14], [1, 15], [2, 16]]


def test_a_decision_on_a_pair_holds_for_all_files_with_the_same_picture():
    row_item = np.array([0, 1, 1, 2, -1], np.int32)
    pairs = np.array([[0, 1], [1, 2]], np.int32)
    nothing = np.zeros(5, bool)
    decided = Decisions(nothing, nothing, nothing, np.array([[2, 0], [4, 3]]))

    assert ruled_out(pairs, row_item, decided).tolist() == [True, False]


@pytest.mark.parametrize("row", [0, 14, 1, 15, 2, 16])
def test_an_image_to_keep_is_never_one_to_drop(scan_data, row):
    findings = apply_thresholds(scan_data, decisions=decide(keep=[row]))

    assert findings.columns["dup_keeper"][row] is not False


def test_two_copies_to_keep_are_no_cluster(scan_data):
    findings = apply_thresholds(scan_data, decisions=decide(keep=[2, 16]))

    assert clusters(findings) == [[0, 14], [1, 15]]
    assert findings.columns["dup_kind"][16] is None
    assert findings.counts["duplicates"] == 4


@pytest.mark.parametrize("row", [0, 14, 1, 15, 2, 16])
def test_the_chosen_keeper_comes_before_a_protected_split(scan_data, row):
    """Rows 14, 15 and 16 are in the test split."""
    usual = apply_thresholds(scan_data)

    findings = apply_thresholds(scan_data, decisions=decide(keeper=[row]))

    assert clusters(findings) == clusters(usual)
    assert findings.columns["dup_keeper"][row] is True
    assert findings.columns["leak"] == usual.columns["leak"]
    pair = next(one for one in [(0, 14), (1, 15), (2, 16)] if row in one)
    assert [findings.columns["leak_remove"][one] for one in pair] == [
        one != row for one in pair
    ]


def test_a_chosen_keeper_may_still_be_a_bad_image(scan_data):
    findings = apply_thresholds(scan_data, decisions=decide(keeper=[17]))

    assert "dark" in findings.columns["image_issues"][17]


def test_of_two_chosen_keepers_that_are_copies_both_stay(scan_data):
    findings = apply_thresholds(scan_data, decisions=decide(keeper=[2, 16]))

    assert clusters(findings) == [[0, 14], [1, 15]]
    assert not (
        findings.columns["leak_remove"][2] or findings.columns["leak_remove"][16]
    )


def test_what_is_never_flagged_chooses_no_keeper(scan_data):
    findings = apply_thresholds(scan_data, decisions=decide(keep=[2]))

    assert clusters(findings) == [[0, 14], [1, 15]]
    assert findings.columns["leak_remove"][2] is False


def test_the_copy_of_an_image_to_keep_is_still_the_one_to_drop(scan_data):
    findings = apply_thresholds(scan_data, decisions=decide(keep=[16]))

    assert [2, 16] in clusters(findings)
    assert findings.columns["dup_keeper"][16] is True
    assert findings.columns["leak"][16] is False
    assert findings.columns["leak"][2] is True


def test_an_image_to_keep_is_no_bad_image_and_no_outlier(scan_data):
    usual = apply_thresholds(scan_data)
    assert "dark" in usual.columns["image_issues"][17]

    findings = apply_thresholds(scan_data, decisions=decide(keep=[17]))

    assert findings.columns["image_issues"][17] == []
    assert findings.columns["outlier"][17] is False
    assert findings.columns["outlier_cause"][17] is None
    assert findings.columns["outlier_distance"] == usual.columns["outlier_distance"]
    assert findings.counts["dark"] == usual.counts["dark"] - 1


def test_a_verified_label_is_no_issue(scan_data):
    from core.scan.settings import ScanSettings

    strict = ScanSettings(min_label_score=100)
    usual = apply_thresholds(scan_data, strict)
    row = usual.columns["label_issue"].index(True)

    findings = apply_thresholds(scan_data, strict, decide(verified=[row]))

    assert findings.columns["label_issue"][row] is False
    assert findings.columns["label_suggestion"][row] is None
    assert findings.columns["label_score"] == usual.columns["label_score"]
    assert findings.counts["label_issues"] == usual.counts["label_issues"] - 1
