"""From files to findings, without a database."""

import os

import numpy as np
import pytest
from PIL import Image

from core.errors import InputError
from core.neighbors.knn_graph import neighbor_graph
from core.scan.apply_thresholds import apply_thresholds
from core.scan.candidate_search import candidate_pairs
from core.scan.collect import collect_scan_data
from core.scan.image_labels import majority_labels
from core.scan.scan_data import ScanInput, without
from core.scan.settings import ScanSettings


def copies(path, count):
    """Makes further names for a file's bytes, as quickly as can be."""
    names = [path.with_name(f"{path.stem}_{n:05d}{path.suffix}") for n in range(count)]
    for name in names:
        os.link(path, name)
    return names


@pytest.mark.slow
def test_ten_thousand_identical_images_are_one_cluster(scan, pictures):
    paths = pictures(12)

    findings, _ = scan(paths + copies(paths[0], 9_999))

    assert findings.counts["duplicate_clusters"] == 1
    assert findings.counts["duplicates"] == 10_000
    assert findings.columns["dup_keeper"].count(True) == 1
    assert findings.columns["dup_kind"][0] == "bytes"


@pytest.mark.slow
def test_two_hundred_groups_of_thirty_are_two_hundred_clusters(scan, pictures):
    paths = pictures(200)
    groups = [[path, *copies(path, 29)] for path in paths]

    findings, _ = scan([path for group in groups for path in group])

    clusters = np.array(findings.columns["dup_cluster"]).reshape(200, 30)
    assert findings.counts["duplicate_clusters"] == 200
    assert (clusters == clusters[:, :1]).all()
    assert len(np.unique(clusters)) == 200


@pytest.mark.slow
def test_forty_copies_in_train_cannot_hide_the_one_in_test(scan, pictures, draw):
    paths = pictures(60)
    folder = paths[0].parent
    changed = []
    for number in range(41):
        # Near copies, each with bytes and pixels of its own
        path = folder / f"near_{number:02d}.jpg"
        draw(0).resize((64 + number, 64 + number)).save(path, quality=90)
        changed.append(path)
    splits = np.zeros(101, np.int32)
    splits[100] = 1

    findings, _ = scan(paths + changed, splits=splits, split_names=["train", "test"])

    assert findings.columns["leak"][100] is True
    assert findings.columns["leak_splits"][100] == ["train"]
    assert findings.leak_matrix["near"]["test"]["train"] == 1


def test_splits_are_searched_against_each_other_directly():
    """Where each split holds more copies than a neighbor list has places."""
    rng = np.random.default_rng(0)
    common = rng.normal(size=64)
    sides = [common + 0.4 * rng.normal(size=64) for _ in range(2)]
    rows = [side + 0.02 * rng.normal(size=64) for side in sides for _ in range(15)]
    vectors = np.array(rows) / np.linalg.norm(rows, axis=1, keepdims=True)
    vectors = vectors.astype(np.float32)
    graph = neighbor_graph(vectors, 10)
    splits = np.arange(30) // 15

    without = candidate_pairs(graph, vectors, np.zeros((0, 30), bool), 0.5)
    pairs = candidate_pairs(graph, vectors, splits == [[0], [1]], 0.5)
    strict = candidate_pairs(graph, vectors, splits == [[0], [1]], 0.95)

    assert (splits[without[:, 0]] == splits[without[:, 1]]).all()
    across = pairs[splits[pairs[:, 0]] != splits[pairs[:, 1]]]
    assert set(across.ravel()) == set(range(30))
    assert (splits[strict[:, 0]] == splits[strict[:, 1]]).all()


def test_near_copies_without_a_direct_pair_are_no_leak_and_lone_images_neither(
    scan, pictures
):
    paths = pictures(20)
    splits = np.arange(20, dtype=np.int32) % 2

    findings, _ = scan(paths, splits=splits, split_names=["train", "test"])

    assert findings.counts["leaks"] == 0


def test_a_changed_copy_is_near_and_the_larger_is_kept(scan, pictures, draw):
    paths = pictures(15)
    small = paths[0].with_name("small.jpg")
    draw(0, 256).save(paths[0])
    draw(0, 256).resize((128, 128)).save(small, quality=90)

    findings, _ = scan([*paths, small])

    columns = findings.columns
    assert columns["dup_kind"][0] == columns["dup_kind"][15] == "near"
    assert columns["dup_keeper"][0] is True and columns["dup_keeper"][15] is False
    assert columns["keeper_reason"][0]
    assert columns["dup_similarity"][15] > 0.8


def test_same_bytes_with_two_labels_are_a_conflict_and_both_labels_are_judged(
    scan, pictures
):
    paths = pictures(30)
    again = copies(paths[0], 1)
    labels = np.array([0] * 15 + [1] * 15 + [1], np.int32)

    findings, _ = scan(paths + again, labels=labels, classes=["a", "b"])

    assert findings.counts["conflicts"] == 1
    assert findings.columns["label_score"][0] is not None
    assert findings.columns["label_score"][30] is not None


@pytest.mark.parametrize("count", [2, 3, 5])
def test_a_handful_of_images_is_enough(scan, pictures, count):
    findings, _ = scan(pictures(count), labels=np.zeros(count, np.int32), classes=["a"])

    assert findings.counts["duplicates"] == 0
    assert findings.counts["outliers"] == 0
    assert findings.columns["label_score"] == [100.0] * count


def test_unreadable_rows_have_a_reason_and_nothing_else(scan, pictures):
    paths = pictures(10)
    paths[4].write_bytes(b"")

    findings, _ = scan(paths, splits=np.arange(10) % 2, split_names=["a", "b"])

    row = {name: column[4] for name, column in findings.columns.items()}
    assert row.pop("scan_status") == "empty"
    assert set(row.values()) == {None}


def test_no_readable_image_is_an_error_that_counts_the_reasons(scan, tmp_path):
    for number in range(3):
        (tmp_path / f"{number}.jpg").write_bytes(b"text")

    with pytest.raises(InputError, match="3 unsupported"):
        scan([tmp_path / f"{number}.jpg" for number in range(3)])


def test_a_higher_score_finds_fewer_copies(scan, pictures, draw):
    paths = pictures(10)
    draw(0).resize((60, 60)).save(paths[1])
    _, scan_data = scan(paths)

    found = [
        apply_thresholds(scan_data, ScanSettings(min_copy_score=score)).counts[
            "duplicates"
        ]
        for score in (0.5, 1.0)
    ]

    assert found == [2, 0]


def test_the_commonest_label_of_a_unique_image_is_its_label():
    images = np.array([0, 0, 0, 1, 1, 2, -1], np.int32)
    labels = np.array([1, 2, 2, 2, 1, -1, 0], np.int32)

    assert majority_labels(images, labels, 3, 3).tolist() == [2, 1, -1]


def test_copies_alone_with_three_labels_have_no_label_score(scan, pictures):
    path = pictures(1)[0]
    paths = [path, *copies(path, 59)]
    labels = np.repeat(np.arange(3, dtype=np.int32), 20)

    findings, _ = scan(paths, labels=labels, classes=["a", "b", "c"])

    assert findings.columns["label_score"] == [None] * 60
    assert findings.counts["label_issues"] == 0


def test_flagged_labels_are_also_counted_with_equal_pictures_once(scan, pictures):
    """In that unit the estimate of wrong labels counts, so it stands beside it."""
    paths = pictures(20)
    equal = copies(paths[0], 5)
    labels = np.arange(25, dtype=np.int32) % 2
    labels[20:] = labels[0]
    _, scan_data = scan([*paths, *equal], labels=labels, classes=["a", "b"])

    findings = apply_thresholds(scan_data, ScanSettings(min_label_score=100))

    flagged = np.array([flag is True for flag in findings.columns["label_issue"]])
    assert flagged[0] and flagged[20:].all()
    assert findings.counts["label_issues"] == flagged.sum()
    assert findings.counts["label_issue_pictures"] == flagged[:20].sum()


@pytest.mark.parametrize("empty", [True, False])
def test_equal_empty_masks_are_not_contradicted_by_their_looks(scan, pictures, empty):
    """Masks of class b have a spot, and those of a are empty, or have one too."""
    paths = pictures(36)
    for number, path in enumerate(paths[12:]):
        mask = Image.new("RGB", (96, 96))
        if number < 12 or not empty:
            left = 40 + number % 12 if number < 12 else 30
            mask.paste((255, 255, 255), (left, left, left + 9, left + 9))
        mask.save(path)
    labels = np.array([0] * 12 + [1] * 12 + [0] * 12, np.int32)
    _, scan_data = scan(paths, labels=labels, classes=["a", "b"])

    columns = apply_thresholds(scan_data, ScanSettings(min_label_score=100)).columns

    # Twelve equal masks with a spot are contradicted
    assert all((flag is True) != empty for flag in columns["label_issue"][24:])
    assert all((score is None) == empty for score in columns["label_score"][24:])
    suggestions = set(columns["label_suggestion"][24:])
    assert suggestions == ({None} if empty else {"b"})


def test_images_that_are_only_odd_are_not_counted_as_bad(scan, pictures, draw):
    paths = pictures(24)
    draw(0, 96).resize((600, 600)).save(paths[0])
    Image.new("RGB", (96, 96)).save(paths[1])

    findings, _ = scan(paths)

    issues = findings.columns["image_issues"]
    assert issues[0] == ["odd_size"] and "dark" in issues[1]
    counts = findings.counts
    assert counts["image_issues"] == sum(bool(names) for names in issues)
    assert (counts["bad_images"], counts["odd_images"]) == (1, 1)


@pytest.mark.slow
def test_the_order_of_the_rows_moves_nothing(scan, pictures):
    paths = pictures(32)
    for path in paths[:4]:
        paths += copies(path, 2)
    labels = np.arange(40, dtype=np.int32) % 3
    # Groups of three equal files: two labels in two of them, three in two
    for first, group in enumerate([(0, 1, 1), (2, 0, 1), (1, 2, 2), (1, 0, 2)]):
        labels[[first, 32 + 2 * first, 33 + 2 * first]] = group
    order = np.random.default_rng(3).permutation(40)
    names = ["a", "b", "c"]

    findings, _ = scan(paths, labels=labels, classes=names)
    moved, _ = scan([paths[row] for row in order], labels=labels[order], classes=names)

    assert findings.counts == moved.counts
    assert findings.expected == moved.expected
    columns = dict(findings.columns)
    place = {row: new for new, row in enumerate(order.tolist())}
    for name in ("outlier_nearest", "label_support", "label_counterexample"):
        columns[name] = [place.get(row) for row in columns[name]]
    for name, column in columns.items():
        assert [column[row] for row in order] == moved.columns[name], name


def test_known_copies_tell_what_to_expect(scan, pictures):
    findings, scan_data = scan(pictures(20))

    expected = findings.expected
    assert expected["copies_tried"] == 2 * (16 + 6)
    assert expected["copy_recall"] > 0.6
    by_change = expected["copy_recall_by_change"]
    assert by_change["re-encoded"] == 1.0
    assert np.isclose(expected["copy_recall"], np.mean(list(by_change.values())), 1e-3)
    low, high = expected["copy_recall_interval"]
    assert low < expected["copy_recall"] <= high
    for name in ("composed_copy_recall", "covered_copy_recall"):
        low, high = expected[f"{name}_interval"]
        assert 0 <= low <= expected[name] <= high <= 1
    strict = apply_thresholds(scan_data, ScanSettings(min_copy_score=0.999)).expected
    assert strict["copy_recall"] < expected["copy_recall"]


def test_what_a_threshold_on_the_similarity_finds_is_not_claimed(scan, pictures):
    _, scan_data = scan(pictures(20))

    assert not apply_thresholds(
        scan_data, ScanSettings(min_copy_similarity=0.9)
    ).expected.get("copy_recall")


def test_without_a_model_no_copies_are_tried(pictures, tmp_path):
    paths = [os.fsencode(path) for path in pictures(12)]
    vectors = np.eye(12, dtype=np.float32)

    scan_data = collect_scan_data(
        ScanInput(paths, vectors=vectors), None, folder=tmp_path / "cache"
    )

    assert "copy_recall" not in apply_thresholds(scan_data).expected


def test_calibration_says_how_the_threshold_was_chosen(scan, pictures):
    findings, _ = scan(pictures(20), ScanSettings(calibrate=True))

    assert findings.thresholds["min_copy_score"] >= ScanSettings().min_copy_score
    assert "known non-copies" in findings.rules["min_copy_score"]


def test_the_nearest_picture_of_an_outlier_is_named_and_is_not_its_copy(scan, pictures):
    paths = pictures(12)
    paths += copies(paths[3], 1)

    nearest = scan(paths)[0].columns["outlier_nearest"]

    assert nearest[3] == nearest[12]
    assert nearest[3] not in (3, 12, None)
    # Of equal files the first path stands for both
    assert 12 not in nearest


def test_a_leak_tells_its_classes_its_conflicts_and_the_side_to_drop(scan, pictures):
    paths = pictures(10)
    paths += copies(paths[0], 1) + copies(paths[1], 1)
    labels = np.array([0, 1, *[0] * 8, 0, 0], np.int32)
    splits = np.array([*[0] * 10, 1, 1], np.int32)
    names = {"classes": ["cat", "dog"], "split_names": ["train", "test"]}

    findings, _ = scan(paths, labels=labels, splits=splits, **names)

    columns = findings.columns
    none = {"pixels": 0, "near": 0}
    forth = {"split": "train", "other_split": "test"}
    back = {"split": "test", "other_split": "train"}
    assert findings.leaks_by_class == [
        {"class": "cat", **forth, "bytes": 1, **none},
        {"class": "cat", **back, "bytes": 2, **none},
        {"class": "dog", **forth, "bytes": 1, **none},
    ]
    assert [row for row in range(12) if columns["leak_conflict"][row]] == [1, 11]
    assert findings.counts["leak_conflicts"] == 2
    assert [row for row in range(12) if columns["leak_remove"][row]] == [0, 1]
    assert columns["leak_remove_reason"][0] == "its copy in a protected split stays"
    assert columns["leak_remove_reason"][10] is None


def test_the_pictures_for_and_against_a_label_are_found(scan, pictures, draw):
    paths = pictures(12)
    # 12 is the like of 3 and calls itself otherwise; 13 is its equal copy
    draw(3).point(lambda level: level * 0.8).save(paths[3].with_name("like.png"))
    paths.append(paths[3].with_name("like.png"))
    paths += copies(paths[12], 1)
    labels = np.array([0] * 12 + [1, 1], np.int32)

    findings, _ = scan(
        paths, ScanSettings(min_copy_score=1.0), labels=labels, classes=["a", "b"]
    )
    agrees, contradicts = (
        findings.columns[name] for name in ("label_support", "label_counterexample")
    )

    # No picture but its own copy is called b
    assert agrees[12] is None and contradicts[12] == 3
    assert 0 < agrees[0] < 12
    assert contradicts[3] == 12


def test_own_copies_are_neither_for_nor_against_a_label(scan, pictures, draw):
    paths = pictures(12)
    draw(3).point(lambda level: level * 0.8).save(paths[3].with_name("like.png"))
    paths.append(paths[3].with_name("like.png"))
    labels = np.array([0] * 12 + [1], np.int32)

    findings, scan_data = scan(paths, labels=labels, classes=["a", "b"])

    assert scan_data.pairs.score.max() > 0.6
    assert findings.columns["label_counterexample"][12] not in (3, 12, None)
    assert findings.columns["label_counterexample"][3] is None


def test_without_labels_nothing_agrees_or_contradicts(scan, pictures):
    findings, _ = scan(pictures(12))

    assert set(findings.columns["label_support"]) == {None}
    assert set(findings.columns["label_counterexample"]) == {None}


def test_an_image_in_quarantine_is_nobodys_nearest(scan, pictures, draw):
    paths = pictures(30)
    draw(0).rotate(3).save(paths[29])
    findings, scan_data = scan(paths)
    nearest = findings.columns["outlier_nearest"]
    near_0 = [row for row, other in enumerate(nearest) if other == 0]
    assert near_0

    fewer = without(scan_data, np.arange(30) == 0, "quarantined")

    nearest = apply_thresholds(fewer).columns["outlier_nearest"]
    assert [nearest[row] for row in near_0] == [None] * len(near_0)
    assert all(other is None or other > 0 for other in nearest)
