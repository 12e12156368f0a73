import shutil
from pathlib import Path

import fiftyone as fo
import fiftyone.operators as foo
import pytest
from fiftyone.operators.executor import ExecutionContext, Executor


@pytest.fixture
def merge():
    return foo.get_operator("@winnow/curate/merge")


@pytest.fixture
def undo():
    return foo.get_operator("@winnow/curate/undo")


@pytest.fixture
def world(dataset, scan):
    """Scanned, with a cluster of 3 and one of 2; returns keeper and copies of each."""
    folder = Path(dataset.first().filepath).parent
    third = folder / "20.png"
    shutil.copyfile(folder / "00.png", third)
    dataset.add_sample(
        fo.Sample(str(third), tags=["train"], ground_truth=fo.Classification(label="a"))
    )
    for name in ("ground_truth", "second"):
        if name == "second":
            kind = {"embedded_doc_type": fo.Classification}
            dataset.add_sample_field(name, fo.EmbeddedDocumentField, **kind)
    dataset.add_sample_field("words", fo.ListField, subfield=fo.StringField)
    dataset.add_sample_field("count", fo.IntField)
    dataset.add_sample_field(
        "boxes", fo.EmbeddedDocumentField, embedded_doc_type=fo.Detections
    )
    dataset.info["root"] = str(folder)
    dataset.save()
    scan(dataset, label_field="ground_truth", split_by=["train", "test"])
    clusters = {}
    for sample in dataset.exists("dup_cluster"):
        keeper, copies = clusters.setdefault(sample.dup_cluster, ([], []))
        (keeper if sample.dup_keeper else copies).append(sample.id)
    (big,) = [(k[0], c) for k, c in clusters.values() if len(c) == 2]
    (small,) = [(k[0], c) for k, c in clusters.values() if len(c) == 1]
    return dataset, big, small


def apply(merge, dataset, plan):
    return merge(dataset, plan_id=plan.plan_id, dry_run=False, expect_count=plan.count)


def documents(dataset):
    return {d["_id"]: d for d in dataset._sample_collection.find({})}


def set_values(dataset, ids, **values):
    for sample in dataset.select(ids):
        for name, value in values.items():
            sample[name] = value
        sample.save()


def test_tags_labels_and_chosen_fields_are_joined_into_the_keeper(world, merge):
    dataset, (keeper, copies), _ = world
    dataset.select(copies[0]).tag_samples(["checked", "test"])
    dataset.select(copies[1]).tag_samples("night")
    detection = fo.Detection(label="car", bounding_box=[0, 0, 1, 1])
    set_values(dataset, [copies[0]], boxes=fo.Detections(detections=[detection]))
    set_values(dataset, [copies[1]], words=["x", "y"], count=3)
    set_values(dataset, [keeper], words=["y", "z"])
    own = set(dataset[keeper].tags)

    plan = merge(dataset, ["words", "count"], conflict_tag=None)
    assert "Nothing has been changed" in str(plan)
    report = apply(merge, dataset, plan)

    assert "given what their copies carry" in str(report)
    kept = dataset[keeper]
    assert set(kept.tags) == own | {"checked", "night"}
    assert kept.words == ["y", "z", "x"]
    assert kept.count == 3
    assert kept.boxes.detections[0].label == "car"
    assert kept.boxes.detections[0].id != dataset[copies[0]].boxes.detections[0].id


def test_undo_gives_back_every_value(world, merge, undo):
    dataset, (keeper, copies), _ = world
    dataset.select(copies).tag_samples("night")
    set_values(dataset, [copies[0]], count=3)
    set_values(dataset, [copies[1]], second=fo.Classification(label="b"))
    before = documents(dataset)

    apply(merge, dataset, merge(dataset, ["count"]))
    assert dataset[keeper].second.label == "b"
    undo(dataset, dry_run=False)

    after = documents(dataset)
    for sample, document in before.items():
        for name in ("tags", "count", "second", "ground_truth", "filepath"):
            assert after[sample].get(name) == document.get(name), name


def test_undo_leaves_alone_what_was_changed_since(world, merge, undo):
    dataset, (keeper, copies), _ = world
    dataset.select(copies).tag_samples("night")
    set_values(dataset, [copies[0]], count=3)
    apply(merge, dataset, merge(dataset, ["count"], conflict_tag=None))

    set_values(dataset, [keeper], count=99)
    report = undo(dataset, dry_run=False)

    assert dataset[keeper].count == 99
    assert "night" not in dataset[keeper].tags
    assert "its count was changed since" in str(report)


def test_a_conflict_is_listed_and_tagged_and_the_keeper_keeps_its_label(world, merge):
    dataset, (keeper, copies), _ = world
    old = dataset[keeper].ground_truth.label
    set_values(dataset, [copies[0]], ground_truth=fo.Classification(label="zebra"))

    plan = merge(dataset)
    names = {conflict.lost for conflict in plan.conflicts}
    assert "'zebra'" in names
    assert "has 'zebra'" in str(plan)
    apply(merge, dataset, plan)

    assert dataset[keeper].ground_truth.label == old
    assert "merge conflict" in dataset[keeper].tags
    assert "merge conflict" not in dataset[copies[0]].tags


def test_what_was_changed_since_the_plan_is_left_alone(world, merge):
    dataset, (keeper, copies), _ = world
    dataset.select(copies).tag_samples("night")
    plan = merge(dataset, conflict_tag=None)

    dataset.select(keeper).tag_samples("mine")
    report = apply(merge, dataset, plan)

    assert "night" not in dataset[keeper].tags
    assert "changed since the plan was made" in str(report)


def test_of_a_view_only_its_samples_are_merged(world, merge):
    dataset, big, small = world
    dataset.tag_samples("everywhere")
    for keeper, copies in (big, small):
        dataset.select(copies).tag_samples("night")

    plan = merge(dataset.select([small[0], *small[1]]), conflict_tag=None)

    assert plan.count == 1


def test_nothing_to_merge_is_said(world, merge):
    dataset, *_ = world
    plan = merge(dataset, conflict_tag=None)

    assert plan.count == 0
    assert "Nothing would be changed" in str(plan)


@pytest.mark.parametrize("field", ["filepath", "dup_cluster", "nothing", "metadata"])
def test_a_field_that_cannot_be_merged_is_refused(world, merge, field):
    with pytest.raises(Exception, match="cannot be merged. Fields that can"):
        merge(world[0], [field])


def test_a_merge_is_in_the_history_and_goes_before_a_quarantine(world, merge, undo):
    dataset, (keeper, copies), _ = world
    dataset.select(copies).tag_samples("night")
    apply(merge, dataset, merge(dataset, conflict_tag=None))
    quarantine = foo.get_operator("@winnow/curate/quarantine")
    plan = quarantine(dataset, "duplicates", include_conflicts=True)
    quarantine(dataset, plan_id=plan.plan_id, dry_run=False, expect_count=plan.count)

    text = str(undo(dataset))

    assert "merge of duplicates" in text
    assert "quarantine of duplicates" in text
    undo(dataset, dry_run=False)
    undo(dataset, dry_run=False)
    assert "night" not in dataset[keeper].tags


def test_the_form_shows_the_plan_and_the_tick_applies_it(world, merge):
    dataset, (keeper, copies), _ = world
    dataset.select(copies).tag_samples("night")

    def context(params):
        request = {"dataset_name": dataset.name, "params": params}
        return ExecutionContext(request_params=request, executor=Executor())

    params = {"tag_conflicts": False}
    asked = merge.resolve_type(context(params), "inputs").type.properties
    assert (
        "1 image would be given what their copies carry" in asked["plan_text"].default
    )
    (tick,) = [name for name in asked if name.startswith("apply_")]
    assert asked[tick].invalid
    list(merge.execute(context({**params, tick: True})))

    dataset.reload()
    assert "night" in dataset[keeper].tags
