"""The panel's tab of objects, and decisions on objects, on a set with known faults.

The tests follow each other on one data set.
"""

import re
import subprocess
import sys
from pathlib import Path

import fiftyone as fo
import fiftyone.operators as foo
import pytest

from tests.object_set import COPIED, PICTURES, WRONG, draw_object_set
from tests.panel_events import sender

pytestmark = pytest.mark.integration

ROOT = Path(__file__).resolve().parents[3]
SPLITS = ["train", "test"]


COPY = PICTURES
"""The number of the copy whose first object has another label."""


def operator(name):
    return foo.get_operator(f"@winnow/curate/{name}")


def rescan(dataset):
    operator("scan")(dataset, objects="boxes", split_by=SPLITS, progress=False)


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    folder = tmp_path_factory.mktemp("set")
    program = ROOT / "cli" / "demo_images.py"
    subprocess.run([sys.executable, program, folder / "demo"], check=True)
    return draw_object_set(folder / "demo", folder / "pictures")


@pytest.fixture(scope="module")
def dataset(drawn):
    dataset = fo.Dataset()
    samples = []
    for one in drawn:
        boxes = [fo.Detection(label=n, bounding_box=box) for n, box in one.objects]
        sample = fo.Sample(filepath=str(one.path), tags=[one.split])
        sample["boxes"] = fo.Detections(detections=boxes)
        samples.append(sample)
    dataset.add_samples(samples)
    rescan(dataset)
    yield dataset
    dataset.delete()


@pytest.fixture(scope="module")
def event(dataset):
    return sender(dataset)


@pytest.fixture
def first(dataset, drawn):
    """Returns the first object of a picture, as it is now."""

    def of(number):
        dataset.reload()
        return dataset[str(drawn[number].path)].boxes.detections[0]

    return of


def cards(answer):
    """The cards of the tab by the ids of their objects."""
    found = answer.shown["objects"]["type"]["properties"]
    return {name.removeprefix("object_"): card for name, card in found.items()}


def press(answer, event, name, where=None):
    """Presses a button of a card, or of the whole panel."""
    part = cards(answer)[where] if where else answer.one("show_panel_output")["output"]
    view = _view_of(part, name)
    assert view, f"no button '{name}'"
    return event(view["operator"].rpartition("#")[2], **view["params"])


def _view_of(part, label):
    if isinstance(part, dict):
        if part.get("label") == label and part.get("operator"):
            return part
        for value in part.values():
            if found := _view_of(value, label):
                return found
    if isinstance(part, list):
        for value in part:
            if found := _view_of(value, label):
                return found
    return None


def test_each_finding_of_objects_has_its_count_and_its_cards(event, first):
    answer = event("choose_tab", tab="objects")

    for words in ("Label issues 3", "Box disagreements 5", "Bad boxes 2"):
        assert words in answer.texts
    assert "similar objects have **cat**" in answer.texts
    # The copy of picture 10 has a wrong label, too
    assert set(cards(answer)) == {first(number).id for number in (1, 2, COPY)}
    assert "**this object**" in answer.texts
    assert "nearest of another label" in answer.texts

    answer = event("choose_object_kind", kind="box_disagreements")
    assert "**eye** here, **motorcycle** in a copy" in answer.texts
    assert "A copy lacks this" in answer.texts
    assert "elsewhere in a copy" in answer.texts
    answer = event("choose_object_kind", kind="bad_boxes")
    assert "a second box on one object" in answer.texts
    assert "no box that could be drawn" in answer.texts


def test_class_and_split_limit_what_is_shown_and_acted_on(event, dataset, first):
    event("choose_object_kind", kind="object_label_issues")
    label = WRONG[1]
    answer = event("choose_object_class", value=label)

    assert set(cards(answer)) == {first(1).id}
    view = press(answer, event, "Show in grid").view(dataset)
    assert view.values("id") == [first(1).id]
    asked = press(answer, event, "Use all suggestions").one("prompt_user_for_operation")
    assert asked["params"]["objects"] == [first(1).id]
    assert len(cards(event("choose_object_split", value="train"))) == 1
    assert not cards(event("choose_object_split", value="test"))
    # The App tells of a list that it drew
    assert not cards(event("choose_object_class", value=label))
    event("choose_object_split", value="all")
    answer = event("choose_object_class", value="all")
    assert len(cards(answer)) == 3
    assert (
        "objects"
        not in _view_of(answer.one("show_panel_output")["output"], "Tag 3")["params"][
            "with"
        ]
    )


def test_the_patches_in_the_grid_are_made_anew_after_a_job(event, dataset):
    event("show_all")
    event("choose_object_kind", kind="bad_boxes")
    assert not event("done").asked("set_view")
    stages = event("show_tab").one("set_view")["view"]

    answer = event("done", view=stages)

    assert len(answer.view(dataset)) == 2
    event("show_all")


def test_the_patches_in_the_grid_are_made_anew_after_a_decision(event, dataset):
    event("choose_object_kind", kind="bad_boxes")
    stages = event("show_tab").one("set_view")["view"]
    kept = operator("show")(dataset, "bad_boxes").values("id")[:1]

    answer = event("decide", what="keep", objects=kept, view=stages)

    assert len(answer.view(dataset)) == 1
    undone = event("undo", view=answer.one("set_view")["view"])
    assert len(undone.view(dataset)) == 2
    event("show_all")


def test_the_overview_has_a_line_of_each_finding_of_objects(event):
    answer = event("choose_tab", tab="overview")
    rows = answer.rows("overview_rows")
    (row,) = [n for n, one in enumerate(rows) if one["finding"] == "Bad boxes"]
    assert rows[row]["images"].startswith("2\N{NO-BREAK SPACE}(")

    answer = event("choose_overview_row", row=row)

    assert "a second box on one object" in answer.texts


def test_a_click_opens_the_object_or_its_picture(event, dataset, first):
    sample = dataset.match_labels(ids=[first(1).id]).first().id
    answer = event("open_object", id=first(1).id)
    assert answer.one("open_sample")["id"] == sample

    stages = dataset.to_patches("boxes")._serialize()
    answer = event("open_object", id=first(1).id, view=stages)
    assert answer.one("open_sample")["id"] == first(1).id
    answer = event("open_object", id="0" * 24, view=stages)
    assert not answer.asked("open_sample") and answer.asked("clear_view")


def test_what_is_selected_in_a_grid_of_objects_is_acted_on(event, dataset, first):
    stages, ids = dataset.to_patches("boxes")._serialize(), [first(1).id, first(2).id]
    answer = event("refresh", view=stages, selected=ids)
    assert "**2 objects selected**" in answer.texts

    for label, uri in (("Relabel", "retag"), ("Remove", "remove_objects")):
        found = _view_of(answer.shown["selected"], label)
        asked = event("act", view=stages, selected=ids, **found["params"])
        prompt = asked.one("prompt_user_for_operation")
        assert prompt["operator_uri"].endswith(uri)
        assert prompt["params"]["objects"] == ids
    found = _view_of(answer.shown["selected"], "Keep")
    kept = event("decide", view=stages, selected=ids, **found["params"])
    assert "Kept, not flagged again (2)" in kept.texts
    assert first(1).winnow_decisions == first(2).winnow_decisions == ["keep"]
    event("undo")
    assert not getattr(first(1), "winnow_decisions", None)
    # An image is none
    assert "selected**" not in event("refresh", selected=["0" * 24]).texts


def test_a_label_that_is_right_is_no_issue_in_later_scans(event, dataset, first):
    event("choose_tab", tab="objects")
    answer = event("choose_object_kind", kind="object_label_issues")
    done = press(answer, event, f"{WRONG[1]} is right", first(1).id)

    notice = done.one("notify")["message"]
    assert notice == "1 object stored as correctly labeled."
    assert first(1).winnow_decisions == [f"label is {WRONG[1]}"]
    assert first(1).label_issue is False and first(2).label_issue is True
    rescan(dataset)
    assert first(1).label_issue is False and first(2).label_issue is True
    # It counts as long as the object carries the label
    changed = first(1)
    sample = dataset[dataset.match_labels(ids=[changed.id]).first().id]
    sample.boxes.detections[0].label = "coffee"
    sample.save()
    rescan(dataset)
    assert first(1).label_issue is True
    sample.boxes.detections[0].label = WRONG[1]
    sample.save()
    rescan(dataset)
    assert first(1).label_issue is False
    operator("decide")(dataset, "label_verified", objects=[changed.id], undo=True)
    assert first(1).label_issue is True
    assert not getattr(first(1), "winnow_decisions", None)


def test_what_is_kept_has_no_finding_of_its_box(dataset, drawn, event):
    view = operator("show")(dataset, "bad_boxes")
    assert view.count() == 2
    said = set(dataset.values("boxes.detections.copy_agreement", unwind=True))
    assert said - {None} == {"agrees", "missing", "shifted", "other label"}
    kept = [
        *view.values("id"),
        *operator("show")(dataset, "box_disagreements").values("id"),
    ]
    assert len(kept) == 7

    # A view of patches stands for its objects
    assert operator("decide")(view, "keep").count == 2
    operator("decide")(dataset, "keep", objects=kept)

    assert operator("show")(dataset, "bad_boxes").count() == 0
    assert operator("show")(dataset, "box_disagreements").count() == 0
    rescan(dataset)
    assert operator("show")(dataset, "bad_boxes").count() == 0
    answer = event("choose_object_kind", kind="decided")
    assert "Decided 7" in answer.texts and len(cards(answer)) == 7
    answer = press(answer, event, "Take back", kept[0])
    assert "Decided 6" in answer.texts

    done = operator("decide")(dataset, "keep", objects=kept, undo=True)

    assert done.count == 6
    assert operator("show")(dataset, "bad_boxes").count() == 2
    assert operator("show")(dataset, "box_disagreements").count() == 5


def test_a_verified_label_settles_its_side_of_a_disagreement(dataset, drawn, first):
    number = COPIED[0]
    assert first(number).copy_agreement == first(COPY).copy_agreement == "other label"

    operator("decide")(dataset, "label_verified", objects=[first(number).id])

    assert not getattr(first(number), "copy_agreement", None)
    assert first(COPY).copy_agreement == "other label"
    operator("decide")(dataset, "label_verified", objects=[first(number).id], undo=True)
    assert first(number).copy_agreement == "other label"


def test_a_decision_that_cannot_be_is_refused_with_what_can(dataset, first):
    decide = operator("decide")
    with pytest.raises(ValueError, match="decide one of keep, label_verified"):
        decide(dataset, "keeper", objects=[first(1).id])
    with pytest.raises(ValueError, match="keep, label_verified"):
        decide(dataset.to_patches("boxes").limit(1), "may_go")
    with pytest.raises(ValueError, match="ids of labels"):
        decide(dataset, "keep", objects=["first"])
    with pytest.raises(ValueError, match="None of these is an object of 'boxes'"):
        decide(dataset, "keep", objects=["0" * 24])


def test_objects_that_are_named_are_tagged_corrected_and_removed(dataset, first):
    one = [first(1).id]
    assert str(operator("tag")(dataset, "view", "look", objects=one)).endswith(
        "1 object"
    )
    assert first(1).tags == ["look"] and first(2).tags == []
    patches = dataset.to_patches("boxes").select(first(2).id)
    assert operator("tag")(patches, "view", "look").count == 1
    assert first(2).tags == ["look"]

    plan = operator("retag")(dataset, objects=one, label="cat")
    assert [item.why for item in plan.items()] == ["'eye' becomes 'cat'"]
    operator("retag")(dataset, plan_id=plan.plan_id, dry_run=False)
    assert first(1).label == "cat"
    operator("undo")(dataset, dry_run=False)
    assert first(1).label == "eye"
    # Of a finding, only what is named too
    assert operator("retag")(dataset, "object_label_issues", objects=one).count == 1
    assert not operator("retag")(dataset, "bad_boxes", objects=one, label="cat").count
    assert operator("retag")(patches, label="cat").count == 1

    plan = operator("remove_objects")(dataset, objects=one)
    assert plan.count == 1
    assert operator("remove_objects")(patches).count == 1


def test_the_forms_list_findings_of_objects_and_show_crops(dataset, first):
    def form(name, **params):
        ctx = foo.executor.ExecutionContext(
            request_params={"dataset_name": dataset.name, "params": params},
            executor=foo.executor.Executor(),
        )
        return operator(name).resolve_input(ctx).to_json()["type"]["properties"]

    values = {"retag": ["box_disagreements", "label_issues"]}
    values["remove_objects"] = ["bad_boxes", "tag"]
    for name, some in values.items():
        assert set(some) <= set(form(name)["what"]["type"]["values"])
    shown = form("retag", what="object_label_issues")
    assert "on_disk" not in shown and "cat" in shown["label"]["type"]["values"]
    assert "winnow.jpg" in shown["plan_pictures"]["default"]
    shown = form("retag", objects=[first(1).id], label="cat")
    assert "what" not in shown and "1 object " in shown["plan_text"]["default"]
    shown = form("remove_objects", objects=[first(1).id])
    assert "what" not in shown and "plan_pictures" in shown
    # Folders of images would leave the boxes behind
    assert form("export")["format"]["default"] == "coco"


def test_a_plan_says_the_numbers_that_the_cards_say(event, dataset):
    operator("set_thresholds")(dataset, max_object_outlier_distance=0.1)
    event("choose_tab", tab="objects")
    for kind, name, label in (
        ("object_label_issues", "score", None),
        ("object_outliers", "distance", "thing"),
    ):
        shown = event("choose_object_kind", kind=kind).texts
        plan = operator("retag")(dataset, kind, label=label, allow_new_label=True)
        reasons = " ".join(row["reason"] for row in plan.rows())
        told, planned = (
            set(re.findall(rf"\b{name} ([\d.]+)", text)) for text in (shown, reasons)
        )
        assert told and told <= planned


def test_a_scan_without_objects_has_no_tab_of_them(event, dataset):
    operator("scan")(dataset, prefix="plain", progress=False)
    answer = event("choose_run", value="plain")
    assert "objects" not in answer.shown["tabs"]["type"]["properties"]
    event("choose_run", value="")
