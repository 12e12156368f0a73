import math

import numpy as np
import pytest
from scipy.stats import hypergeom

from core.curation.precision_estimate import draw, precision


def test_a_draw_is_repeatable_sorted_and_without_repeats():
    one, again, other = draw(1000, 50, 3), draw(1000, 50, 3), draw(1000, 50, 4)

    assert (one == again).all()
    assert (one != other).any()
    assert (np.diff(one) > 0).all()
    assert draw(5, 50, 0).tolist() == [0, 1, 2, 3, 4]


def test_every_image_is_drawn_as_often():
    counts = np.zeros(20)
    for seed in range(2000):
        counts[draw(20, 5, seed)] += 1

    # 500 expected, a standard deviation of 19
    assert np.abs(counts - 500).max() < 80


def test_the_interval_is_that_of_clopper_and_pearson_in_a_large_population():
    found = precision(95, 100, 10_000_000)

    # From statistics tables: beta quantiles of 95 in 100
    assert found.low == pytest.approx(0.88717, abs=1e-4)
    assert found.high == pytest.approx(0.98357, abs=1e-4)


def test_who_looked_at_everything_knows_the_share():
    found = precision(7, 10, 10)

    assert (found.low, found.share, found.high) == (0.7, 0.7, 0.7)


def test_a_finite_population_narrows_the_interval():
    few, many = precision(40, 50, 60), precision(40, 50, 60_000)

    assert few.high - few.low < many.high - many.low


@pytest.mark.parametrize("judged", [1, 5, 30])
def test_all_right_and_all_wrong_are_one_sided(judged):
    assert precision(judged, judged, 100).high == 1
    assert precision(0, judged, 100).low == 0


def test_nothing_judged_says_nothing():
    found = precision(0, 0, 40)

    assert math.isnan(found.share)
    assert (found.low, found.high) == (0, 1)


def test_an_impossible_sample_is_refused():
    with pytest.raises(ValueError, match="no sample"):
        precision(4, 3, 10)


@pytest.mark.parametrize("population", [7, 40, 150])
@pytest.mark.parametrize("share", [0.3, 0.7])
def test_it_holds_the_truth_in_95_of_100_samples_whatever_the_truth(population, share):
    judged = max(1, int(population * share))
    found = [precision(x, judged, population) for x in range(judged + 1)]

    for truth in range(population + 1):
        seen = hypergeom.pmf(np.arange(judged + 1), population, truth, judged)
        holds = [one.low <= truth / population <= one.high for one in found]
        assert seen[holds].sum() >= 0.95 - 1e-9


def test_simulated_draws_are_covered():
    random, covered = np.random.default_rng(0), 0
    truth = random.random(400) < 0.8
    for seed in range(400):
        right = int(truth[draw(400, 60, seed)].sum())
        found = precision(right, 60, 400)
        covered += found.low <= truth.mean() <= found.high

    assert covered >= 380


@pytest.mark.parametrize("population", [12, 33])
def test_it_equals_a_look_at_every_possible_truth(population):
    judged = population // 2
    for right in range(judged + 1):
        fits = []
        for truth in range(right, population - judged + right + 1):
            law = hypergeom(population, truth, judged)
            if law.sf(right - 1) > 0.025 and law.cdf(right) > 0.025:
                fits.append(truth / population)
        found = precision(right, judged, population)
        assert (found.low, found.high) == (min(fits), max(fits))
