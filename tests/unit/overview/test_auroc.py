"""The area under the ROC curve, and how sure it is."""

import numpy as np
import pytest

from core.overview.auroc import (
    mean_ranks,
    normal_quantile,
    one_against_rest,
    standard_error,
    within_strata,
)


def test_the_area_is_the_share_of_pairs_with_ties_as_halves():
    rng = np.random.default_rng(0)
    values = rng.integers(0, 6, (60, 2)).astype(np.float32)
    kinds = rng.integers(0, 3, 60).astype(np.int32)

    found = one_against_rest(values, kinds, 3)

    for column in range(2):
        for kind in range(3):
            own, other = values[kinds == kind, column], values[kinds != kind, column]
            greater = (own[:, None] > other).mean()
            equal = (own[:, None] == other).mean()
            assert found[column, kind] == pytest.approx(greater + equal / 2)


def test_ranks_are_those_of_scipy():
    from scipy.stats import rankdata

    values = np.random.default_rng(0).integers(0, 9, (50, 3)).astype(np.float32)

    assert (mean_ranks(values) == rankdata(values, axis=0)).all()
    assert (mean_ranks(values[:, 0]) == rankdata(values[:, 0])).all()


def test_a_kind_without_images_has_no_area():
    found = one_against_rest(np.zeros((4, 1), np.float32), np.zeros(4, np.int32), 2)

    assert np.isnan(found).all()


def test_intervals_hold_the_true_value_as_often_as_they_say():
    rng = np.random.default_rng(1)
    values = rng.normal(size=(80, 2000)).astype(np.float32)
    kinds = (np.arange(80) < 30).astype(np.int32)

    area = one_against_rest(values, kinds, 2)[:, 1]
    error = standard_error(area, np.float64(30), np.float64(50))

    missed = (np.abs(area - 0.5) > normal_quantile(1, 0.05) * error).mean()
    assert 0.02 < missed < 0.07


def test_more_looks_need_wider_intervals():
    assert normal_quantile(1, 0.05) == pytest.approx(1.96, abs=0.01)
    assert normal_quantile(100) > normal_quantile(1) + 1


def test_what_parts_the_strata_says_nothing_of_the_sides():
    rng = np.random.default_rng(2)
    strata = np.repeat([0, 1], 300).astype(np.int32)
    is_one = rng.random(600) < np.where(strata == 1, 0.9, 0.1)
    score = rng.normal(size=600) + 3 * strata

    area, error = within_strata(score, is_one, strata)
    together, _ = within_strata(score, is_one, np.zeros(600, np.int32))

    assert together > 0.8
    assert abs(area - 0.5) < 3 * error


def test_sides_that_never_meet_cannot_be_compared():
    sides = np.array([True, False])

    assert within_strata(np.zeros(2), sides, np.array([0, 1], np.int32)) is None
