"""Images that stand for the rest, as a tag, a field and a view."""

import fiftyone as fo
import fiftyone.operators as foo
import pytest
from fiftyone.operators.executor import ExecutionContext, Executor

from .test_show_tag_export import form


@pytest.fixture
def select():
    return foo.get_operator("@winnow/curate/select")


def test_images_are_selected_tagged_and_shown_in_their_order(scanned, select):
    selected = select(scanned, 10, field="place")

    assert len(selected.ids) == 10
    assert selected.view.values("id") == list(selected.ids)
    assert set(scanned.match_tags("selected").values("id")) == set(selected.ids)
    assert selected.view.values("place") == list(range(1, 11))
    assert "10 of 47 images selected" in str(selected)
    assert select(scanned, 10, tag=None).ids == selected.ids


def test_copies_and_images_of_test_are_never_selected(scanned, select):
    selected = select(scanned, 1000)

    chosen = scanned.select(list(selected.ids))
    assert chosen.match_tags("test").count() == 0
    assert chosen.match(fo.ViewField("dup_keeper") == False).count() == 0  # noqa: E712
    assert selected.left_out["in a test or validation split"] >= 15
    assert "There are no more" in str(selected)


def test_given_images_and_their_copies_are_not_selected_again(scanned, select):
    first = select(scanned, 12, tag="labeled")

    by_view = select(scanned, 12, given=first.view, tag=None)
    by_tag = select(scanned, 12, given="labeled", tag=None)

    assert not set(by_view.ids) & set(first.ids)
    assert by_view.ids == by_tag.ids
    assert by_view.given >= 12


def test_classes_are_balanced(scanned, select):
    few = scanned.match(fo.ViewField("ground_truth.label") == "a").limit(5)
    rest = scanned.match(fo.ViewField("ground_truth.label") == "b")
    view = few.concat(rest)

    selected = select(view, 8, balance="ground_truth", tag=None)

    assert selected.by_value == {"a": 4, "b": 4}


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"n": 0}, "at least 1"),
        ({"tag": "train"}, "in use already"),
        ({"field": "filepath"}, "already exists"),
        ({"balance": "filepath"}, "Fields here: ground_truth"),
        ({"given": "nobody"}, "No sample is tagged 'nobody'"),
    ],
)
def test_choices_that_cannot_work_are_refused(scanned, select, wrong, says):
    with pytest.raises(Exception, match=says):
        select(scanned, **{"n": 3, **wrong})
    assert scanned.match_tags("selected").count() == 0


def test_the_form_selects_as_the_call_does(scanned, select):
    asked = form("select", scanned)
    assert {"n", "given", "balance", "tag", "field"} <= set(asked)
    expected = select(scanned, 5, balance="ground_truth", tag=None).ids

    request = {
        "dataset_name": scanned.name,
        "params": {"n": 5, "balance": "ground_truth", "tag": "picked", "given": ""},
    }
    ctx = ExecutionContext(request_params=request, executor=Executor())
    select.execute(ctx)

    scanned.reload()
    assert set(scanned.match_tags("picked").values("id")) == set(expected)
