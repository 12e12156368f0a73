import fiftyone.operators as foo
import pytest
from fiftyone.operators.executor import ExecutionContext, Executor


@pytest.fixture
def estimate_precision():
    return foo.get_operator("@winnow/curate/estimate_precision")


@pytest.fixture
def scanned(dataset, scan, set_thresholds):
    scan(dataset, label_field="ground_truth", split_by=["train", "test"])
    set_thresholds(dataset, max_outlier_distance=0.0)
    assert dataset.match({"outlier": True}).count() == 20
    return dataset


def form(dataset, params, **more):
    request = {"dataset_name": dataset.name, "params": params, **more}
    ctx = ExecutionContext(request_params=request, executor=Executor())
    operator = foo.get_operator("@winnow/curate/estimate_precision")
    return operator.resolve_type(ctx, "inputs").type.properties


def test_a_sample_is_drawn_marked_and_its_precision_returned(
    scanned, estimate_precision
):
    first = estimate_precision(scanned, "outliers", n=8)
    assert len(first.view) == 8
    assert "none is marked" in str(first)

    ids = first.view.values("id")
    signed = estimate_precision(scanned, "outliers", wrong=ids[:2], rest_right=True)

    assert (signed.right, signed.wrong, signed.unmarked) == (6, 2, 0)
    assert signed.precision.share == 0.75
    assert signed.precision.population == 20
    assert signed.precision.low < 0.75 < signed.precision.high
    assert "6 of 8 are right" in str(signed)
    assert sorted(signed.view.values("id")) == sorted(ids)


def test_marks_may_be_tags_and_may_be_changed(scanned, estimate_precision):
    view = estimate_precision(scanned, "outliers", n=4).view
    view.limit(3).tag_samples("precision outliers: right")

    signed = estimate_precision(scanned, "outliers")
    assert (signed.right, signed.unmarked) == (3, 1)
    assert "1 of the sample are not marked" in str(signed)

    again = estimate_precision(scanned, "outliers", wrong=view.limit(1))
    assert (again.right, again.wrong) == (2, 1)


def test_only_the_sample_can_be_marked(scanned, estimate_precision):
    view = estimate_precision(scanned, "outliers", n=4).view
    other = scanned.exclude(view.values("id")).limit(1)

    with pytest.raises(Exception, match="1 of these images are not in the sample"):
        estimate_precision(scanned, "outliers", right=other)


def test_a_new_draw_takes_the_marks_off(scanned, estimate_precision):
    estimate_precision(scanned, "outliers", n=4, rest_right=True)

    fresh = estimate_precision(scanned, "outliers", n=6, seed=5, new=True)

    assert (fresh.drawn, fresh.right) == (6, 0)


def test_copies_are_shown_beside_what_they_are_copies_of(scanned, estimate_precision):
    signed = estimate_precision(scanned, "duplicates")

    assert signed.drawn == 2
    assert "Shown among their copies" in str(signed)
    assert signed.precision.population == 2
    assert len(signed.view) == 4
    assert set(scanned.match_tags(signed.tag).values("dup_keeper")) == {False}


def test_later_findings_make_a_sample_old(scanned, estimate_precision, set_thresholds):
    assert not estimate_precision(scanned, "outliers", n=4).outdated

    set_thresholds(scanned)

    assert "draw again" in str(estimate_precision(scanned, "outliers"))


@pytest.mark.parametrize(
    ("what", "says"), [("unreadable", "no unreadable"), ("nothing", "no finding")]
)
def test_what_cannot_be_signed_off_is_a_sentence(
    scanned, estimate_precision, what, says
):
    with pytest.raises(Exception, match=says):
        estimate_precision(scanned, what)


def test_the_app_draws_marks_the_selection_and_shows_the_result(scanned):
    uri = "@winnow/curate/estimate_precision"

    def run(**params):
        selected = params.pop("selected", [])
        params = {"what": "outliers", **params}
        return foo.execute_operator(
            uri, dataset=scanned, params=params, selected=selected
        ).result["text"]

    assert "so_far" not in form(scanned, {"what": "outliers"})
    assert "5 of 20 outliers drawn" in run(step="draw", n=5)
    scanned.reload()
    ids = scanned.match_tags("precision outliers").values("id")
    assert "0 of 1 are right" in run(step="wrong", selected=ids[:1])
    assert "4 of 5 are right" in run(step="rest")
    assert "4 of 5 are right" in form(scanned, {"what": "outliers"})["so_far"].default
    with pytest.raises(Exception, match="Select the images"):
        run(step="right")


def test_without_a_scan_the_form_says_so(dataset):
    assert "has not been scanned" in form(dataset, {})["run"].error_message
