"""Boxes as they should not be: each costs itself alone, or says why nothing is done."""

import fiftyone as fo
import fiftyone.operators as foo
import pytest
from bson import ObjectId

pytestmark = pytest.mark.integration

WHOLE = [0.1, 0.1, 0.5, 0.5]
BROKEN = {
    "three numbers": [0.1, 0.1, 0.5],
    "five numbers": [0.1, 0.1, 0.5, 0.5, 1],
    "none": [],
    "nothing": None,
    "not a number": [0.1, float("nan"), 0.5, 0.5],
    "infinite": [0.1, 0.1, float("inf"), 0.5],
    "no width": [0.1, 0.1, 0, 0.5],
    "a negative height": [0.1, 0.1, 0.5, -0.5],
}


@pytest.fixture
def dataset(tmp_path, draw):
    result = fo.Dataset()
    for number in range(6):
        path = tmp_path / f"{number}.png"
        draw(600 + number % 5, side=120).save(path)
        box = fo.Detection(label="a", bounding_box=WHOLE)
        boxes = fo.Detections(detections=[box])
        result.add_sample(fo.Sample(filepath=str(path), boxes=boxes))
    yield result
    result.delete()


def put(dataset, labels):
    """Writes labels to the first picture as they are, past FiftyOne."""
    documents = dataset._sample_collection
    first = {"_id": ObjectId(dataset.first().id)}
    documents.update_one(first, {"$set": {"boxes.detections": labels}})


def label(box, **more):
    found = {"_id": ObjectId(), "_cls": "Detection", "label": "a", **more}
    return found | ({} if box is None else {"bounding_box": box})


def stored(dataset):
    first = {"_id": ObjectId(dataset.first().id)}
    return dataset._sample_collection.find_one(first)["boxes"]["detections"]


def test_broken_boxes_cost_themselves_alone(dataset, scan):
    sound, outside, partly, crowd = (
        label(WHOLE),
        label([1.2, 0.1, 0.5, 0.5]),
        label([0.6, 0.1, 0.8, 0.5]),
        label([0.0, 0.0, 0.9, 0.9], iscrowd=1),
    )
    put(dataset, [*map(label, BROKEN.values()), sound, outside, partly, crowd])

    report = scan(dataset, objects="boxes")

    *broken, sound, outside, partly, crowd = stored(dataset)
    for name, found in zip(BROKEN, broken, strict=True):
        assert found["object_status"] == "degenerate", name
        assert found["box_issues"] == ["degenerate"], name
        assert "copy_agreement" not in found, name
    assert sound["object_status"] == "ok" and "outlier" in sound
    assert outside["object_status"] == "outside" and "outlier" not in outside
    assert partly["object_status"] == "ok" and partly["box_issues"] == ["outside"]
    # Its copy has no crowd, and is not asked for one
    assert crowd["object_status"] == "crowd" and "copy_agreement" not in crowd
    assert sound["copy_agreement"] == "agrees"
    assert report.counts["bad_boxes"] == len(BROKEN) + 2


def test_one_class_is_compared_and_not_judged(dataset, scan):
    report = scan(dataset, objects="boxes")

    assert report.counts["objects_compared"] == 6
    assert report.counts["object_label_issues"] == 0
    assert "not looked for" in str(report)


def test_no_object_at_all_and_too_many_are_refused(dataset, scan):
    put(dataset, [label(WHOLE) for _ in range(30_001)])
    with pytest.raises(ValueError, match="has 30,001 objects in .*at most 30,000"):
        scan(dataset, objects="boxes")

    dataset._sample_collection.update_many({}, {"$set": {"boxes.detections": []}})
    with pytest.raises(ValueError, match="No sample has an object in field 'boxes'"):
        scan(dataset, objects="boxes")
    assert not dataset.has_run("winnow")


def test_other_kinds_of_labels_say_what_can_be_used(dataset, scan):
    dataset.add_sample_field(
        "points", fo.EmbeddedDocumentField, embedded_doc_type=fo.Keypoints
    )
    dataset.add_sample_field(
        "kind", fo.EmbeddedDocumentField, embedded_doc_type=fo.Classification
    )
    for name, why in {
        "points": "holds Keypoints",
        "kind": "holds Classification",
        "frames.boxes": "no field 'frames.boxes'",
        "boxes.detections": "no field 'boxes.detections'",
    }.items():
        with pytest.raises(ValueError, match=f"{why}.*can be used: boxes"):
            scan(dataset, objects=name)


def test_the_result_does_not_depend_on_the_order_of_samples(dataset, scan):
    scan(dataset, objects="boxes")
    before = {one.filepath: one.boxes.detections[0].outlier_distance for one in dataset}

    foo.get_operator("@winnow/curate/scan")(
        dataset.sort_by("filepath", reverse=True), objects="boxes", progress=False
    )

    dataset.reload()
    after = {one.filepath: one.boxes.detections[0].outlier_distance for one in dataset}
    assert after == before
