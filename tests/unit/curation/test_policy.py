import json
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.curation.policy import (
    COMPARED,
    EXAMPLE,
    FINDINGS,
    MEASURES,
    judge,
    parse_policy,
)
from core.errors import InputError
from core.findings.set_registry import SET_FINDINGS


def counts(**found):
    """Counts of a run on 1,000 images, none of what is not named."""
    names = {name for parts in FINDINGS.values() for name in parts}
    return {**dict.fromkeys(names, 0), "images": 1000, **found}


def verdict(text, not_looked_for=(), **found):
    (rule,) = parse_policy(text)
    why = dict.fromkeys(not_looked_for, "no splits were given")
    (result,) = judge([rule], counts(**found), why)
    return result


@pytest.mark.parametrize(
    ("text", "found", "passes"),
    [
        ("no leaks", {"leaks": 0}, True),
        ("no leaks", {"leaks": 1}, False),
        ("leaks", {"leaks": 1}, False),
        ("unreadable = 0", {"unreadable": 1}, False),
        ("outliers <= 3", {"outliers": 3}, True),
        ("outliers < 3", {"outliers": 3}, False),
        ("outliers == 3", {"outliers": 2}, False),
        ("exact duplicates <= 0.1 %", {"duplicates_bytes": 1}, True),
        (
            "exact duplicates <= 0.1 %",
            {"duplicates_bytes": 1, "duplicates_pixels": 1},
            False,
        ),
        ("exact duplicates = 0", {"duplicates_near": 9, "duplicates": 9}, True),
        ("near duplicates ≤ .9%", {"duplicates_near": 9}, True),
        ("label issues < 2 %", {"label_issues": 20}, False),
        ("conflicts <= 1", {"conflicts": 1}, True),
        ("no dark images", {"dark": 1}, False),
        ("low_information <= 1", {"low_information": 1}, True),
        ("Bad Images <= 1", {"image_issues": 2}, False),
        ("unreadable files = 0", {"unreadable": 0}, True),
    ],
)
def test_a_rule_holds_or_not(text, found, passes):
    assert verdict(text, **found).passed is passes


def test_rules_are_parted_by_commas_semicolons_and_lines():
    rules = parse_policy("no leaks, unreadable = 0;outliers<=2 %\n\nno dark,,")

    assert [rule.finding for rule in rules] == [
        "leaks",
        "unreadable",
        "outliers",
        "dark",
    ]
    assert parse_policy(" \n") == ()


def test_the_example_in_every_error_can_be_read():
    assert len(parse_policy(EXAMPLE)) == 4


def test_every_name_of_the_old_fail_on_is_known():
    old = "duplicates,conflicts,outliers,label_issues,leaks,image_issues,unreadable"

    assert len(parse_policy(old)) == 7


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("leeks", "Did you mean 'leaks'? It knows duplicates, exact duplicates"),
        ("no rubbish, no leaks", "does not know 'rubbish' in 'no rubbish'"),
        ("no leaks <= 3", "says 'no' and names a limit"),
        ("outliers > 3", "A rule is a finding and a limit"),
        ("exact duplicates <= 0,1 %", "Numbers are written with a point"),
        ("outliers <= 0.5", "Did you mean 'outliers <= 0.5 %'?"),
        ("outliers <= 101 %", "at most 100 %"),
        ("conflicts <= 1 %", "are clusters of copies, not images"),
        ("leaks < 0", "can never hold"),
        ("leaks <=", "is no rule. Write them like this"),
        ("unreadable\u202e", "'unreadable\\u202e' is no rule"),
    ],
)
def test_a_rule_that_cannot_be_read_is_one_sentence(text, words):
    with pytest.raises(InputError) as error:
        parse_policy(text)

    assert words in str(error.value)


def test_a_verdict_says_value_share_and_limit():
    failed = verdict("exact duplicates <= 0.3 %", duplicates_bytes=5)

    assert str(failed) == (
        "exact duplicates <= 0.3 %: 5 of 1,000 images (0.5\xa0%), at most 3 allowed"
    )
    assert str(verdict("no leaks", leaks=1)).endswith("none allowed")
    assert str(verdict("conflicts < 2", conflicts=1)) == "conflicts < 2: 1 cluster"
    assert "exactly 2 allowed" in str(verdict("outliers = 2", outliers=1))
    assert "at most 1 allowed" in str(verdict("outliers < 2", outliers=7))


def test_what_was_not_looked_for_passes_no_rule_that_claims_it():
    assert not verdict("no leaks", ["leaks"]).passed
    assert not verdict("leaks <= 3", ["leaks"]).passed
    assert "not looked for, no splits" in str(verdict("no leaks", ["leaks"]))


@pytest.mark.parametrize(
    "text", ["leaks", "no leaks", "leaks = 0", "leaks <= 3", "leaks <= 100 %"]
)
def test_a_gate_fails_closed_however_the_rule_is_written(text):
    """As FAIL_ON=leaks of a folder without splits: nobody looked."""
    assert not verdict(text, ["leaks"]).passed
    assert "not looked for" in str(verdict(text, ["leaks"]))


def test_a_comparison_is_judged_by_rules_of_its_own_words():
    rules = parse_policy("known <= 50 %, no repeats, leaks", COMPARED)
    found = {"images": 4, "new": 1, "known": 2, "repeats": 1, "leaks": 0}

    passed = [verdict.passed for verdict in judge(rules, found, {})]

    assert passed == [True, False, True]
    with pytest.raises(InputError, match="It knows known, repeats, leaks, unreadable"):
        parse_policy("no outliers", COMPARED)
    with pytest.raises(InputError, match="does not know 'bad images'"):
        parse_policy("bad images", COMPARED)


def test_the_example_in_a_complaint_can_be_read_by_both_languages():
    for known in (FINDINGS, COMPARED):
        with pytest.raises(InputError) as complaint:
            parse_policy("leaks > 3", known)
        example = str(complaint.value).split("'")[3]
        assert len(parse_policy(example, known)) == 2


def test_a_verdict_is_plain_json():
    found = json.loads(json.dumps(verdict("outliers <= 2 %", outliers=21).to_dict()))

    assert found["limit"] == 0.02 and found["limit_is_share_of_images"] is True
    assert found["passed"] is False and found["count"] == 21


@given(
    finding=st.sampled_from(
        sorted(
            {*FINDINGS}
            - {"conflicts", *MEASURES, *(one.words for one in SET_FINDINGS.values())}
        )
    ),
    comparison=st.sampled_from(["<=", "<", "="]),
    thousandths=st.integers(1, 100_000),
    percent=st.booleans(),
    count=st.integers(0, 3000),
    images=st.integers(1, 3000),
    spaces=st.sampled_from(["", " ", "  "]),
    shout=st.booleans(),
)
def test_any_rule_is_read_as_it_was_written(
    finding, comparison, thousandths, percent, count, images, spaces, shout
):
    number = f"{thousandths / 1000:.3f}" if percent else str(thousandths)
    text = spaces.join([finding, comparison, number, "%" if percent else ""])
    limit = Fraction(number) * images / 100 if percent else Fraction(thousandths)
    expected = {"<=": count <= limit, "<": count < limit, "=": count == limit}

    (rule,) = parse_policy(text.upper() if shout else text)

    assert rule.finding == finding
    assert rule.holds(count, images) is expected[comparison]


@given(st.text(max_size=40))
def test_any_text_is_a_policy_or_one_sentence(text):
    try:
        rules = parse_policy(text)
    except InputError as error:
        assert "\n" not in str(error)
    else:
        assert all(rule.finding in FINDINGS for rule in rules)


def test_numbers_of_the_set_have_limits_of_their_own():
    policy = parse_policy(
        "no shortcuts, appearance shift AUROC <= 0.6; "
        "smallest class >= 50 effective images"
    )
    counts = {"images": 100, "shortcuts": 2}
    measures = {"appearance shift auroc": 0.5934, "smallest class": 40}

    shortcuts, shift, smallest = judge(policy, counts, {}, measures)

    assert str(shortcuts) == "no shortcuts: 2 findings, none allowed"
    assert shift.passed and str(shift) == "appearance shift AUROC <= 0.6: 0.5934"
    assert not smallest.passed and smallest.count == 40
    assert smallest.to_dict()["comparison"] == ">="


def test_what_was_not_measured_does_not_hold():
    (rule,) = parse_policy("appearance shift AUROC < 0.6")

    (verdict,) = judge([rule], {"images": 9}, {rule.finding: "no splits were given"})

    assert not verdict.passed and "no splits were given" in str(verdict)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("smallest class <= 50", "'smallest class >= 50'"),
        ("appearance shift AUROC <= 60 %", "'appearance shift auroc <= 0.6'"),
        ("no smallest class", "with a limit on one side"),
        ("shortcuts <= 1 %", "shortcuts are findings, not images"),
        ("leaks >= 3", "A rule is a finding and a limit"),
        ("leaks <= 3 images", "Write them like this"),
    ],
)
def test_limits_on_the_wrong_side_or_of_the_wrong_kind_are_refused(text, says):
    with pytest.raises(InputError) as error:
        parse_policy(text)

    assert says in str(error.value)
