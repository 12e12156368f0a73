"""Which images of a series show no more than a kept one."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.curation.thin import check_min_change, thin_by_change, thin_to_count
from core.errors import InputError


def turned(*degrees):
    angle = np.radians(degrees)
    return np.stack([np.cos(angle), np.sin(angle)], axis=1).astype(np.float32)


def thinned(vectors, min_change, *, label=None, protected=(), series=None, **more):
    count = len(vectors)
    return thin_by_change(
        vectors,
        np.zeros(count, np.int64) if series is None else np.array(series),
        np.arange(count),
        np.full(count, -1, np.int32) if label is None else np.array(label, np.int32),
        np.isin(np.arange(count), protected),
        min_change,
        **more,
    )


CHANGE = 1 - np.cos(np.radians(10))
"""The cosine distance of two vectors ten degrees apart."""


def test_an_image_is_compared_with_the_last_kept_one_not_the_last_seen():
    # A slow fade: each is four degrees from the one before
    found = thinned(turned(*range(0, 40, 4)), CHANGE)

    assert found.kept.tolist() == [True, False, False] * 3 + [True]
    assert found.burst.tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2, 3]


def test_each_series_begins_anew_and_what_is_in_none_is_left_alone():
    found = thinned(turned(0, 1, 0, 1, 0), CHANGE, series=[0, 0, 1, 1, -1])

    assert found.kept.tolist() == [True, False, True, False, True]
    assert found.burst.tolist() == [0, 0, 1, 1, -1]


def test_protected_images_and_one_of_each_class_of_a_burst_are_kept():
    found = thinned(
        turned(0, 1, 2, 3, 4, 5), CHANGE, label=[0, 0, 1, 1, -1, 0], protected=[5]
    )

    assert found.kept.tolist() == [True, False, True, False, False, True]


def test_the_sharpest_image_of_a_burst_may_stand_for_it():
    found = thinned(
        turned(0, 1, 2, 90), CHANGE, sharpness=np.array([1, 3, 2, 1], np.float32)
    )

    assert found.kept.tolist() == [False, True, False, True]


@given(
    st.lists(st.floats(0, 360), min_size=1, max_size=60),
    st.floats(0.01, 0.5),
    st.randoms(),
)
def test_what_is_kept_is_kept_again_and_what_is_dropped_is_alike(
    degrees, least, random
):
    vectors = turned(*degrees)
    found = thinned(vectors, least)

    assert found.kept[0]
    for row in np.flatnonzero(~found.kept):
        kept = np.flatnonzero(found.kept & (found.burst == found.burst[row]))
        assert vectors[row] @ vectors[kept[0]] > 1 - least - 1e-5
    assert thinned(vectors[found.kept], least).kept.all()


@given(st.permutations(range(12)))
def test_the_order_of_the_rows_changes_nothing(order):
    vectors, order = turned(*range(0, 60, 5)), np.array(order)
    place, series = np.arange(12), np.repeat([0, 1], 6)

    found = thin_by_change(
        vectors[order],
        series[order],
        place[order],
        np.full(12, -1, np.int32),
        np.zeros(12, bool),
        CHANGE,
    )

    assert (
        found.kept.tolist()
        == thinned(vectors, CHANGE, series=series).kept[order].tolist()
    )


@pytest.mark.parametrize("value", [0, 1, -0.1, 5, float("nan"), True, "0.1", None])
def test_a_change_that_keeps_all_or_nothing_is_refused(value):
    with pytest.raises(InputError, match="above 0 and below 1"):
        check_min_change(value)


def test_a_crowd_is_stood_for_before_a_stranger():
    crowd, pair, stranger = range(0, 10, 2), (120, 122), (240,)
    vectors = turned(*crowd, *pair, *stranger)
    everybody, nobody = np.ones(8, bool), np.zeros(8, bool)

    found = thin_to_count(vectors, everybody, np.full(8, -1, np.int32), nobody, 2)

    assert [found.kept[:5].sum(), found.kept[5:7].sum(), found.kept[7]] == [1, 1, 0]


def test_a_count_keeps_so_many_of_what_may_go_and_the_only_one_of_a_class():
    vectors = turned(0, 1, 2, 90, 91, 180, 3)
    found = thin_to_count(
        vectors,
        np.array([True] * 6 + [False]),
        np.array([0, 0, 1, 0, 0, 0, 0], np.int32),
        np.zeros(7, bool),
        3,
    )

    assert found.kept.tolist() == [False, False, True, False, True, True, True]
    # Each of the others is with the kept one that is most like it
    assert found.burst.tolist() == [0, 0, 0, 1, 1, 2, -1]


def test_what_differs_in_a_part_is_noted_and_kept_where_that_is_asked_for():
    levels = np.zeros((5, 3), np.int16)
    levels[2:4, 1] = 40 * 16

    dropped = thinned(turned(0, 0, 0, 0, 0), CHANGE, levels=levels)
    kept = thinned(turned(0, 0, 0, 0, 0), CHANGE, levels=levels, keep_parts=True)

    assert dropped.kept.tolist() == [True, False, False, False, False]
    assert dropped.in_part.tolist() == [False, False, True, True, False]
    # It came, stayed, and went
    assert kept.kept.tolist() == [True, False, True, False, True]
    assert not kept.in_part.any()


def test_without_levels_nothing_is_said_of_parts():
    assert not thinned(turned(0, 1), CHANGE).in_part.any()
