import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.curation.merge_values import Merged, merge


def label(name, number=0, **more):
    return {"_id": number, "_cls": "Classification", "label": name, **more}


def boxes(*names):
    held = [{"_id": n, "label": n, "bounding_box": [0, 0, 1, 1]} for n in names]
    return {"_cls": "Detections", "detections": held}


def test_lists_become_their_union_in_order_of_appearance():
    merged = merge(["b", "a"], [["c", "a", "c"], None, ["d"]])

    assert merged == Merged(["b", "a", "c", "d"], True, ())


def test_a_union_that_adds_nothing_changes_nothing():
    assert merge(["a"], [["a"], [], None]) == Merged(["a"], False, ())


def test_a_copy_to_keep_without_tags_takes_those_of_its_copies():
    assert merge(None, [None, ["a"]]) == Merged(["a"], True, ())
    assert merge(None, [None, None]) == Merged(None, False, ())


@pytest.mark.parametrize("nothing", [None, boxes()])
def test_what_it_has_not_it_takes_from_the_first_that_has(nothing):
    merged = merge(nothing, [None, boxes("a"), boxes("b")])

    assert merged == Merged(boxes("a"), True, (2,))


def test_what_it_has_it_keeps_and_the_conflict_is_named():
    merged = merge(label("cat"), [label("cat", 7), label("dog"), None])

    assert merged == Merged(label("cat"), False, (1,))


def test_labels_are_equal_if_they_say_the_same():
    merged = merge(label("cat", 1, confidence=0.5), [label("cat", 2, confidence=None)])

    assert not merged.changed
    assert not merged.conflicts
    assert merge(boxes("a"), [boxes("a")]).conflicts == ()
    assert merge(boxes("a"), [boxes("a", "b")]).conflicts == (0,)


def test_plain_values_that_differ_are_a_conflict():
    assert merge(0, [1, 0]) == Merged(0, False, (0,))
    assert merge("", ["x"]) == Merged("", False, (0,))


def test_a_list_and_a_single_value_are_a_conflict():
    assert merge(["a"], ["b"]) == Merged(["a"], False, (0,))


values = st.one_of(
    st.none(), st.integers(0, 3), st.builds(label, st.sampled_from("ab"))
)
lists = st.one_of(st.none(), st.lists(st.sampled_from("abcd"), unique=True))


@given(values, st.lists(values, max_size=5))
def test_nothing_is_ever_replaced_and_nothing_invented(own, others):
    merged = merge(own, others)

    assert merged.value == own if own is not None else merged.value in [None, *others]
    assert merged.changed == (own is None and any(one is not None for one in others))


@given(lists, st.lists(lists, max_size=5))
def test_a_union_holds_all_and_once(own, others):
    merged = merge(own, others)

    every = {one for some in [own, *others] for one in some or ()}
    assert set(merged.value or ()) == every
    assert len(merged.value or ()) == len(every)
    assert (merged.value or [])[: len(own or [])] == (own or [])
    assert not merged.conflicts


@given(values, st.lists(values, max_size=5))
def test_merging_again_changes_nothing(own, others):
    once = merge(own, others)

    assert not merge(once.value, others).changed
