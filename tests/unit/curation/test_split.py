import numpy as np
import pytest

from core.curation.split import (
    NO_SPLIT,
    check_shares,
    class_counts,
    leaking,
    new_split,
    smallest_change,
    units,
)
from core.errors import InputError

TRAIN, VALID, TEST = 0, 1, 2
NO_PAIRS = np.empty((0, 2), np.int32)


def codes(*values):
    return np.array(values, np.int32)


def no_groups(count):
    return np.full(count, -1, np.int32)


def change(unit, present, fixed=(), label=None):
    unit = np.array(unit)
    return smallest_change(
        unit,
        codes(*(label or [0] * len(unit))),
        codes(*present),
        3,
        rank=np.arange(len(unit)),
        fixed=fixed,
    )


def test_a_chain_of_copies_and_a_group_are_one_unit():
    image = codes(0, 1, 2, 3, 4, 4, -1, -1)
    pairs = codes(0, 1, 1, 2).reshape(-1, 2)
    group = codes(-1, -1, 7, 7, -1, -1, -1, 7)

    unit = units(image, pairs, group)

    same = [[0, 1, 2, 3, 7], [4, 5], [6]]
    assert [len(set(unit[rows])) for rows in same] == [1, 1, 1]
    assert len(set(unit.tolist())) == 3


def test_a_unit_goes_where_most_of_it_is():
    found = change([0, 0, 0, 1], [TRAIN, TEST, TEST, TRAIN])

    assert found.split.tolist() == [TEST, TEST, TEST, TRAIN]
    assert not found.left_out.any()


def test_where_two_splits_hold_as_many_the_class_counts_decide():
    # Unit 0 takes a cat from train, so unit 1 should give one back
    present = [TRAIN, TEST, TEST, TRAIN, TEST, TRAIN, TEST]
    found = change([0, 0, 0, 1, 1, 2, 3], present)

    assert found.split.tolist() == [TEST, TEST, TEST, TRAIN, TRAIN, TRAIN, TEST]


def test_a_fixed_split_neither_loses_nor_gains():
    found = change([0, 0, 0, 1, 1], [TRAIN, TRAIN, TEST, TRAIN, VALID], fixed=[TEST])

    assert found.split.tolist()[:3] == [NO_SPLIT, NO_SPLIT, TEST]
    assert found.left_out.tolist() == [True, True, False, False, False]
    assert found.split[3] == found.split[4]


def test_two_fixed_splits_that_share_copies_are_said_to_be_unresolved():
    found = change([0, 0, 0], [TRAIN, VALID, TEST], fixed=[VALID, TEST])

    assert found.split.tolist() == [NO_SPLIT, VALID, TEST]
    assert found.unresolved.tolist() == [False, True, True]


def test_an_image_without_a_split_stays_without_one():
    found = change([0, 0, 0], [NO_SPLIT, TEST, TEST])

    assert found.split.tolist() == [NO_SPLIT, TEST, TEST]


def test_nothing_crosses_so_nothing_moves():
    present = [TRAIN, TRAIN, TEST, VALID]

    assert change([0, 0, 1, 2], present).split.tolist() == present


def test_lone_images_are_spread_to_within_one_a_class():
    label = np.repeat(np.arange(40), 25).astype(np.int32)
    rank = np.arange(1000)

    split = new_split(rank, label, [0.7, 0.2, 0.1], rank=rank)

    counts = class_counts(split, label, 3, 40)[:-1]
    assert (np.abs(counts - np.array([17.5, 5, 2.5])) < 1).all()
    assert np.bincount(split).tolist() == [700, 200, 100]


def test_sizes_stay_right_with_many_classes_of_one_image():
    rank = np.arange(1000)

    split = new_split(rank, rank.astype(np.int32), [0.8, 0.1, 0.1], rank=rank)

    assert np.abs(np.bincount(split) - [800, 100, 100]).max() <= 1


def test_sizes_stay_right_where_every_class_is_one_unit():
    unit = np.random.default_rng(0).integers(0, 1000, 5000)

    split = new_split(unit, unit.astype(np.int32), [0.8, 0.1, 0.1], rank=unit)

    shares = np.bincount(split) / 5000
    assert (np.abs(shares / [0.8, 0.1, 0.1] - 1) < 0.03).all()
    assert not leaking(unit, split).any()


def test_another_seed_gives_another_split_and_the_same_one_the_same():
    rank = np.arange(200)
    label = np.zeros(200, np.int32)

    one, again, other = (
        new_split(rank, label, [0.5, 0.5], rank=rank, seed=seed) for seed in (1, 1, 2)
    )

    assert (one == again).all()
    assert (one != other).any()


def test_no_images_make_an_empty_split():
    nothing = np.empty(0, np.int64)

    assert len(new_split(nothing, codes(), [0.5, 0.5], rank=nothing)) == 0
    assert len(units(codes(), NO_PAIRS, codes())) == 0
    assert len(change([], []).split) == 0


@pytest.mark.parametrize(
    ("shares", "says"),
    [
        ({"train": 80, "test": 20}, "per cent"),
        ({"train": 1.0}, "at least two"),
        ({"train": 1.5, "test": -0.5}, "above 0"),
        ({"train": 0.5, "test": 0.4}, "not to 0.9"),
        ({"train": 0.5, " ": 0.5}, "at least two names"),
        ({"train": "0.5", "test": 0.5}, "must be a number"),
    ],
)
def test_shares_that_are_none_are_refused(shares, says):
    with pytest.raises(InputError, match=says):
        check_shares(shares)


def test_three_thirds_may_be_rounded():
    shares = check_shares({"a": 0.333, "b": 0.333, "c": 0.333})

    assert sum(shares.values()) == pytest.approx(1)
