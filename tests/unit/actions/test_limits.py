from collections import Counter

import pytest

from core.actions.limits import Totals, emptied, groups_of, why_count_is_needed

TOTALS = Totals(1000, {"cat": 100, "dog": 10, "owl": 1}, {"train": 900, "test": 100})


def test_a_sample_is_of_the_data_set_of_its_class_and_of_its_split():
    assert groups_of("cat", "train") == [
        ("data set", ""),
        ("class", "cat"),
        ("split", "train"),
    ]
    assert groups_of(None, None) == [("data set", "")]


def test_totals_are_found_by_group_and_an_unknown_group_has_none():
    assert TOTALS.of(("data set", "")) == 1000
    assert TOTALS.of(("class", "dog")) == 10
    assert TOTALS.of(("split", "test")) == 100
    assert TOTALS.of(("class", "train")) == 0


def test_a_group_is_emptied_by_all_of_it_and_not_by_all_but_one():
    planned = Counter({("class", "cat"): 99, ("class", "dog"): 10, ("split", "x"): 1})
    assert emptied(planned, TOTALS) == {("class", "dog"), ("split", "x")}


@pytest.mark.parametrize(
    ("group", "most"),
    [(("data set", ""), 100), (("class", "cat"), 5), (("class", "dog"), 1)],
)
def test_more_than_a_share_must_be_said_twice(group, most):
    assert why_count_is_needed(Counter({group: most}), TOTALS) is None
    assert why_count_is_needed(Counter({group: most + 1}), TOTALS)


def test_a_split_has_no_share():
    assert why_count_is_needed(Counter({("split", "test"): 99}), TOTALS) is None


def test_the_sentence_has_the_numbers():
    text = why_count_is_needed(Counter({("class", "cat"): 40}), TOTALS)
    assert text == (
        "The plan is for 40 of the 100 samples of class 'cat' (40 %); more than 5 % is "
        "seldom meant."
    )
    text = why_count_is_needed(Counter({("data set", ""): 500}), TOTALS)
    assert "500 of the 1,000 samples of the data set (50 %); more than 10 %" in text
