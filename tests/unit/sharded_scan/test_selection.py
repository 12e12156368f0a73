import numpy as np
import pytest

from core.findings.registry import FINDINGS
from core.findings.schema import FIELDS
from core.findings.set_registry import SET_FINDINGS
from core.sharded_scan.selection import badness, chosen, fields_of, has_finding


def test_the_worst_come_first_and_bring_their_whole_group():
    found = np.array([True, False, True, False, True, True])
    distance = np.array([-0.5, 0.0, -0.9, -0.1, -0.7, -0.6])
    group = np.array([0, 4, 4, 4, 1, 6])

    assert chosen(found, distance, group, 9).tolist() == [2, 3, 1, 4, 5, 0]
    assert chosen(found, distance, group, 4).tolist() == [2, 3, 1, 4]
    assert chosen(found, distance, group, 3).tolist() == [2, 3, 1]


def test_a_group_that_does_not_fit_ends_the_choice():
    found, group = np.ones(3, bool), np.array([2, 2, 2])

    assert chosen(found, np.zeros(3), group, 2).tolist() == []
    assert chosen(np.zeros(3, bool), np.zeros(3), group, 5).tolist() == []


COLUMNS = {
    "dup_cluster": [1, 1, None, None, None],
    "dup_keeper": [True, False, None, None, None],
    "dup_relation": [None, "cropped", None, None, None],
    "dup_conflict": [True, True, None, None, None],
    "outlier": [False, False, True, None, False],
    "outlier_distance": [0.1, 0.2, 0.9, None, 0.3],
    "scene_group": [None, 3, 3, None, None],
    "winnow_sequence": [None, "walk", "boat", None, "boat"],
    "winnow_place": [None, 4, 9, None, 2],
    "burst_keep": [None, None, False, None, True],
    "set_findings": [["shortcut: size"], [], ["label shift: a"], None, []],
    "image_issues": [[], ["dark"], [], None, []],
    "scan_status": ["ok", "ok", "ok", "corrupt", "too_large"],
}


@pytest.mark.parametrize(
    "what, rows",
    [
        ("duplicates", [0, 1]),
        ("redundant_copies", [1]),
        ("conflicts", [0, 1]),
        ("outliers", [2]),
        ("scenes", [1, 2]),
        ("sequences", [1, 2, 4]),
        ("bursts", [2]),
        ("image_issues", [1]),
        ("unreadable", [3]),
        ("not_read", [4]),
    ],
)
def test_each_finding_has_its_images(what, rows):
    assert np.flatnonzero(has_finding(FINDINGS[what], COLUMNS)).tolist() == rows


def test_every_finding_of_images_can_be_chosen():
    columns = {spec.name: [None, None] for spec in FIELDS}
    columns["scan_status"] = ["ok", "ok"]

    for finding in FINDINGS.values():
        some = {name: columns[name] for name in fields_of(finding)}
        assert not has_finding(finding, some).any()
        assert badness(finding, some).shape == (2,)


def test_findings_of_the_set_are_chosen_by_their_keys():
    shortcuts = SET_FINDINGS["shortcuts"]

    found = has_finding(shortcuts, COLUMNS, ["shortcut: size", "shortcut: other"])

    assert np.flatnonzero(found).tolist() == [0]
    assert "set_findings" in fields_of(shortcuts)


def test_frames_stand_in_their_order():
    place = badness(FINDINGS["sequences"], COLUMNS)

    assert np.argsort(place)[-3:].tolist() == [4, 2, 1]


def test_larger_distances_are_worse():
    found = badness(FINDINGS["outliers"], COLUMNS)

    assert np.argmin(found) == 2
