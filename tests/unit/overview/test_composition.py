"""Images by class and split: what counts once, what is small, what shifts."""

import numpy as np

from core.overview.composition import composition, imbalance, label_shift, units
from core.overview.records import SetMembers


def members_of(label, split=None):
    count = len(label)
    return SetMembers(
        label=np.asarray(label, np.int32),
        split=np.zeros(count, np.int32) if split is None else np.asarray(split),
        group=np.full(count, -1),
        here=np.ones(count, bool),
        likeliest=np.full(count, -1, np.int32),
        wrong_label=np.zeros(count, bool),
        distance=np.full(count, np.nan, np.float32),
        outlier=np.zeros(count, bool),
    )


def counted(label, split, names=("a", "b"), splits=("train", "test")):
    label, split = np.asarray(label, np.int32), np.asarray(split, np.int32)
    return composition(label, split, np.arange(len(label)), names, splits)


def test_copies_and_moments_of_a_scene_count_once():
    image = np.array([0, 1, 2, 3, 4, -1], np.int32)
    cluster = np.array([0, 0, -1, -1, -1, -1])
    scene = np.array([-1, -1, 0, 0, -1, -1])

    unit = units(image, cluster, scene)
    found = composition(
        np.zeros(6, np.int32), np.zeros(6, np.int32), unit, ["a"], ["train"]
    )

    assert unit[5] == -1
    assert found.images.tolist() == [[5]]
    assert found.effective.tolist() == [[3]]


def test_copies_in_two_splits_count_once_in_each():
    unit = np.array([7, 7, 7])

    found = composition(
        np.zeros(3, np.int32), np.array([0, 0, 1], np.int32), unit, ["a"], ["x", "y"]
    )

    assert found.images.tolist() == [[2, 1]]
    assert found.effective.tolist() == [[1, 1]]


def test_samples_without_label_or_split_count_nowhere_if_others_have_one():
    found = counted([0, -1, 0], [0, 0, -1])

    assert found.images.sum() == 1


def test_without_labels_and_splits_all_images_are_one_cell():
    none = np.full(3, -1, np.int32)

    found = composition(none, none, np.arange(3), [], [])

    assert found.images.tolist() == [[3]]
    assert imbalance(found, members_of([-1] * 3)) == []


def test_a_class_of_few_images_is_named_with_its_images():
    label = np.repeat([0, 1], [600, 12])

    (finding,) = imbalance(counted(label, 0 * label), members_of(label))

    assert "b (12)" in finding.text and "a, has 600" in finding.text
    assert finding.images.tolist() == list(range(600, 612))
    assert finding.measures["smallest"] == 12


def test_small_classes_beside_no_large_one_are_not_said_to_be_seldom():
    uneven, few = np.repeat([0, 1], [600, 12]), np.repeat([0, 1], [40, 30])

    (beside_large,) = imbalance(counted(uneven, 0 * uneven), members_of(uneven))
    (alike,) = imbalance(counted(few, 0 * few), members_of(few))

    assert "seldom" in beside_large.meaning and "resample" in beside_large.advice
    assert "seldom" not in alike.meaning and "resample" not in alike.advice


def test_classes_of_like_size_are_no_finding():
    label = np.repeat([0, 1], [600, 100])

    assert imbalance(counted(label, 0 * label), members_of(label)) == []


def test_other_shares_in_another_split_are_a_shift():
    label = np.repeat([0, 1, 0, 1], [700, 300, 100, 200])
    split = np.repeat([0, 0, 1, 1], [700, 300, 100, 200])

    (finding,) = label_shift(counted(label, split), members_of(label, split))

    assert finding.measures["distance"] == 0.3667
    plain = finding.text.replace("\N{NO-BREAK SPACE}", " ")
    assert "70.0 % of train and 33.3 % of test" in plain


def test_shares_are_those_of_images_and_as_sure_as_effective_images():
    """Of class b in train, 900 images are frames of few or of many recordings."""
    label, split = (
        np.repeat([1, 0, 0, 1], [900, 100, 50, 50]),
        np.repeat([0, 1], [1000, 100]),
    )
    texts = {}
    for frames in (2, 90):
        unit = np.arange(1100)
        unit[:900] = unit[:900] // frames
        found = composition(
            label.astype(np.int32),
            split.astype(np.int32),
            unit,
            "ab",
            ["train", "test"],
        )
        (shift,) = label_shift(found, members_of(label, split))
        texts[frames] = shift.text.replace("\N{NO-BREAK SPACE}", " ")

    assert "a is 10.0 % of train and 50.0 % of test" in texts[2]
    assert texts[2] == texts[90]
    # All of train are frames of a few recordings: nothing is known of its shares
    unit = np.arange(1100)
    unit[:1000] = unit[:1000] // 250
    few = composition(
        label.astype(np.int32), split.astype(np.int32), unit, "ab", ["train", "test"]
    )
    assert label_shift(few, members_of(label, split)) == []


def test_a_shift_that_is_sure_but_small_is_none():
    label = np.repeat([0, 1, 0, 1], [50_000, 50_000, 52_000, 48_000])
    split = np.repeat([0, 0, 1, 1], [50_000, 50_000, 52_000, 48_000])

    assert label_shift(counted(label, split), members_of(label, split)) == []


def test_hundreds_of_rare_classes_are_no_shift_by_chance():
    rng = np.random.default_rng(0)
    names = [str(number) for number in range(300)]
    found = 0
    for _ in range(40):
        label, split = rng.integers(0, 300, 900), rng.integers(0, 2, 900)
        shifts = label_shift(counted(label, split, names), members_of(label, split))
        found += bool(shifts)

    assert found <= 6
