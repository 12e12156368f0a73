import numpy as np

from core.findings.label_estimate import LabelEstimate
from core.findings.label_issues import FALLBACK_MIN_LABEL_SCORE
from core.scan.label_judgment import own_threshold


def estimate_of(precision):
    """At each of the 100 scores this share of the labels below is wrong."""
    wrong = np.full(100, 100 * precision)
    interval = np.full((2, 100), precision)
    return LabelEstimate(wrong[-1], wrong, 100 - wrong, interval)


def test_the_threshold_is_that_at_which_as_many_as_aimed_for_are_wrong():
    chosen = own_threshold(estimate_of(0.9))
    assert chosen == (20, "this data set's own: 80 % expected to be wrong")


def test_where_no_threshold_is_as_precise_the_lowest_says_so():
    chosen = own_threshold(estimate_of(0.4))
    assert chosen == (
        0.5,
        "the lowest: at no score are surely 80 % expected to be wrong",
    )


def test_too_few_labels_have_a_fixed_threshold():
    assert own_threshold(None) == (FALLBACK_MIN_LABEL_SCORE, "too few labels to tell")
