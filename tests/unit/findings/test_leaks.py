import numpy as np
import pytest

from core.findings.leaks import (
    BYTES,
    NEAR,
    NO_KIND,
    NO_LABEL,
    NO_SPLIT,
    PIXELS,
    REMOVE_REASONS,
    STAYS,
    find_leaks,
    leak_matrix,
)

TRAIN, TEST, VALID = 0, 1, 2


def found(
    split,
    image,
    pairs=(),
    *,
    label=None,
    protected=(),
    chosen=None,
    damaged=None,
    **groups,
):
    count = len(split)
    every = np.arange(count)
    return find_leaks(
        np.array(split, np.int32),
        3,
        unique_image=np.array(image, np.int32),
        byte_group=np.array(groups.get("byte_group", every), np.int64),
        pixel_group=np.array(groups.get("pixel_group", every), np.int64),
        label=np.array(label or [NO_LABEL] * count, np.int32),
        pairs=np.array(pairs, np.int32).reshape(-1, 2),
        protected_splits=protected,
        chosen=None if chosen is None else np.array(chosen),
        damaged=None if damaged is None else np.array(damaged),
    )


def test_copies_within_a_split_are_no_leak():
    leaks = found([TRAIN, TRAIN, TEST], [0, 0, 1], byte_group=[0, 0, 1])

    assert not leaks.leak.any()
    assert (leaks.kinds == NO_KIND).all()
    assert not leaks.remove.any()


def test_a_pair_across_splits_is_a_leak_of_both():
    leaks = found([TRAIN, TEST, VALID], [0, 1, 2], [(0, 1)])

    assert leaks.leak.tolist() == [True, True, False]
    assert leaks.kinds[0].tolist() == [NO_KIND, NEAR, NO_KIND]
    assert leaks.kinds[1].tolist() == [NEAR, NO_KIND, NO_KIND]


def test_a_chain_without_a_direct_pair_is_no_leak():
    # A (train) is like B (train), B is like C (train), and D (test) like none
    leaks = found([TRAIN, TRAIN, VALID, TEST], [0, 1, 2, 3], [(0, 1), (1, 2)])

    assert leaks.leak.tolist() == [False, True, True, False]


def test_a_copy_inside_the_split_does_not_hide_the_one_outside():
    # FiftyOne Brain 1.22 keeps A of the chain A - B - C and never looks at
    # B (train) against C (test): its leak_ids are empty here
    leaks = found([TRAIN, TRAIN, TEST], [0, 1, 2], [(0, 1), (1, 2)])

    assert leaks.leak.tolist() == [False, True, True]


def test_the_strongest_kind_in_each_split_counts():
    leaks = found(
        [TRAIN, TEST, TEST, VALID],
        [0, 0, 0, 1],
        [(0, 1)],
        byte_group=[0, 0, 1, 2],
        pixel_group=[0, 0, 0, 1],
    )

    assert leaks.kinds.tolist() == [
        [NO_KIND, BYTES, NEAR],
        [BYTES, NO_KIND, NEAR],
        [PIXELS, NO_KIND, NEAR],
        [NEAR, NEAR, NO_KIND],
    ]


def test_pictures_collapsed_without_equal_pixels_are_near():
    leaks = found([TRAIN, TEST], [0, 0])

    assert leaks.kinds.tolist() == [[NO_KIND, NEAR, NO_KIND], [NEAR, NO_KIND, NO_KIND]]


def test_images_without_a_split_or_unreadable_neither_leak_nor_make_leak():
    leaks = found(
        [TRAIN, NO_SPLIT, TEST, TEST],
        [0, 0, -1, -1],
        byte_group=[0, 0, 0, -1],
        pixel_group=[0, 0, 0, -1],
    )

    assert not leaks.leak.any()


def test_the_matrix_counts_images_by_kind():
    leaks = found(
        [TRAIN, TRAIN, TRAIN, TEST, VALID],
        [0, 0, 1, 0, 1],
        byte_group=[0, 0, 1, 0, 2],
        pixel_group=[0, 0, 1, 0, 2],
    )

    matrix = leak_matrix(leaks.kinds, np.array([TRAIN, TRAIN, TRAIN, TEST, VALID]))

    assert matrix[BYTES].tolist() == [[0, 2, 0], [1, 0, 0], [0, 0, 0]]
    assert matrix[PIXELS].sum() == 0
    assert matrix[NEAR].tolist() == [[0, 0, 1], [0, 0, 0], [1, 0, 0]]


def test_the_matrix_of_a_class_counts_its_images_only():
    split = np.array([TRAIN, TEST, TRAIN, TEST])
    leaks = found(split, [0, 0, 1, 1], label=[5, 5, 6, 6])
    of_class = np.array([True, True, False, False])

    matrix = leak_matrix(leaks.kinds[of_class], split[of_class])

    assert matrix[NEAR].tolist() == [[0, 1, 0], [1, 0, 0], [0, 0, 0]]


def test_a_copy_with_another_label_across_the_leak_is_a_conflict():
    leaks = found(
        [TRAIN, TEST, TRAIN, TEST, TRAIN, TRAIN],
        [0, 1, 2, 3, 4, 5],
        [(0, 1), (2, 3), (4, 5)],
        label=[1, 2, 3, 3, 4, 5],
    )

    assert leaks.conflict.tolist() == [True, True, False, False, False, False]


def test_an_unlabeled_copy_is_no_conflict():
    leaks = found([TRAIN, TEST], [0, 1], [(0, 1)], label=[1, NO_LABEL])

    assert leaks.leak.all()
    assert not leaks.conflict.any()


@pytest.mark.parametrize("seed", range(20))
def test_conflicts_are_those_of_a_naive_look_at_every_pair(seed):
    random = np.random.default_rng(seed)
    count = 30
    split = random.integers(-1, 3, count)
    image = random.integers(-1, 8, count)
    label = random.integers(-1, 3, count)
    pairs = random.integers(0, 8, (6, 2))
    linked = {(a, b) for a, b in pairs.tolist()} | {(a, a) for a in range(8)}
    linked |= {(b, a) for a, b in linked}

    leaks = found(split, image, pairs, label=label.tolist())

    for i in range(count):
        across = [
            j
            for j in range(count)
            if min(split[i], split[j], image[i], image[j]) >= 0
            and split[i] != split[j]
            and (image[i], image[j]) in linked
        ]
        other = [j for j in across if label[i] >= 0 <= label[j] != label[i]]
        assert leaks.leak[i] == bool(across)
        assert leaks.conflict[i] == bool(other)
        splits = {int(split[j]) for j in across}
        assert set(np.flatnonzero(leaks.kinds[i] != NO_KIND).tolist()) == splits


def test_the_copy_in_a_protected_split_stays():
    leaks = found([TRAIN, TEST, TEST], [0, 1, 2], [(0, 1)], protected=[TEST])

    assert leaks.remove.tolist() == [True, False, False]
    assert (
        REMOVE_REASONS[leaks.remove_reason[0]] == "its copy in a protected split stays"
    )
    assert (leaks.remove_reason[1:] == STAYS).all()


def test_the_copy_that_a_person_chose_stays_whatever_its_split():
    chosen = [True, False, False, False]

    leaks = found(
        [TRAIN, TEST, TRAIN, TRAIN],
        [0, 1, 2, 0],
        [(0, 1), (1, 2)],
        protected=[TEST],
        chosen=chosen,
    )

    assert leaks.leak.tolist() == [True] * 4
    # What has no copy in another split but one that goes may stay
    assert leaks.remove.tolist() == [False, True, False, False]
    assert (
        REMOVE_REASONS[leaks.remove_reason[1]] == "its copy that a person chose stays"
    )


def test_a_whole_copy_stays_whatever_its_split_and_the_damaged_one_goes():
    leaks = found(
        [TRAIN, TEST, VALID, TRAIN, TEST],
        [0, 1, 2, 3, 4],
        [(0, 1), (1, 2), (3, 4)],
        protected=[TEST],
        damaged=[False, True, False, True, True],
    )

    # Of two damaged ones the split decides
    assert leaks.remove.tolist() == [False, True, False, True, False]
    assert [REMOVE_REASONS[leaks.remove_reason[row]] for row in (1, 3)] == [
        "its copy in another split is whole and stays",
        "its copy in a protected split stays",
    ]


def test_the_end_of_a_chain_stays_if_its_only_copy_goes():
    leaks = found([TRAIN, VALID, TEST], [0, 1, 2], [(0, 1), (1, 2)], protected=[TEST])

    assert leaks.remove.tolist() == [False, True, False]


def test_between_equal_splits_the_copy_in_the_smaller_one_stays():
    leaks = found([TRAIN, TRAIN, TRAIN, VALID], [0, 1, 2, 3], [(0, 3)])

    assert leaks.remove.tolist() == [True, False, False, False]
    assert REMOVE_REASONS[leaks.remove_reason[0]] == "its copy in a smaller split stays"


def test_removing_what_is_suggested_closes_every_leak():
    random = np.random.default_rng(3)
    split, image = random.integers(0, 3, 200), random.integers(0, 90, 200)
    pairs = random.integers(0, 90, (40, 2))
    leaks = found(split, image, pairs, protected=[TEST])

    stays = np.flatnonzero(~leaks.remove)
    left = found(split[stays], image[stays], pairs, protected=[TEST])

    assert leaks.leak.any()
    assert not left.leak.any()


@pytest.mark.parametrize("count", [0, 3])
def test_nothing_to_look_at_is_no_trouble(count):
    leaks = found([NO_SPLIT] * count, [-1] * count)

    assert leaks.kinds.shape == (count, 3)
    assert not leaks.leak.any()
    assert leak_matrix(leaks.kinds, np.full(count, NO_SPLIT)).shape == (3, 3, 3)


def test_a_million_equal_files_across_splits_take_seconds():
    count = 1_000_000
    split = np.arange(count) % 3
    nought = np.zeros(count, np.int64)

    leaks = found(split, nought, byte_group=nought, pixel_group=nought)

    assert leaks.leak.all()
    assert leak_matrix(leaks.kinds, split)[BYTES].sum() == 2 * count
