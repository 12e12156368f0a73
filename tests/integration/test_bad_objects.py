"""Boxes as they should not be: each costs itself alone, or says why nothing is done."""

import fiftyone as fo
import fiftyone.operators as foo
import pytest
from bson import ObjectId
from PIL import Image

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
    "words": [0.1, 0.1, "half", 0.5],
    "a text": "0.1, 0.1, 0.5, 0.5",
    "huge": [0.1, 0.1, 1e300, 1e300],
}
POINTS = {
    "no line": [],
    "no point": [[]],
    "nothing": None,
    "a number a point": [[[0.1], [0.2], [0.3]]],
    "points that differ": [[[0.1, 0.1], [0.2]]],
    "points without a line": [[0.1, 0.1], [0.2, 0.2]],
    "words": [[["a", "b"]]],
    "not a number": [[[0.1, 0.1], [float("nan"), 0.4], [0.3, 0.3]]],
    "a vertical stroke": [[[0.1, 0.1], [0.1, 0.6]]],
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
    # FiftyOne itself cannot read what is not as it would store it
    first = dataset._sample_collection.find_one(sort=[("_id", 1)])
    return first["boxes"]["detections"]


def test_broken_boxes_cost_themselves_alone(dataset, scan):
    sound, outside, partly, crowd = (
        label(WHOLE),
        label([1.2, 0.1, 0.5, 0.5]),
        label([0.6, 0.1, 0.8, 0.5]),
        label([0.0, 0.0, 0.9, 0.9], iscrowd=1),
    )
    second = label([0.05, 0.05, 0.9, 0.9], crowd=True)
    put(dataset, [*map(label, BROKEN.values()), sound, outside, partly, crowd, second])

    report = scan(dataset, objects="boxes")

    *broken, sound, outside, partly, crowd, second = stored(dataset)
    for name, found in zip(BROKEN, broken, strict=True):
        assert found["object_status"] == "degenerate", name
        assert found["box_issues"] == ["degenerate"], name
        assert "copy_agreement" not in found, name
    assert sound["object_status"] == "ok" and "outlier" in sound
    assert outside["object_status"] == "outside" and "outlier" not in outside
    assert partly["object_status"] == "ok" and partly["box_issues"] == ["outside"]
    # Its copy has no crowd, and is not asked for one
    assert crowd["object_status"] == "crowd" and "copy_agreement" not in crowd
    assert second["object_status"] == "crowd"
    assert not any("box_issues" in one for one in (crowd, second))
    assert sound["copy_agreement"] == "agrees"
    assert report.counts["bad_boxes"] == len(BROKEN) + 2


def test_polylines_that_are_none_cost_themselves_alone(dataset, scan):
    lines = dataset.clone()
    lines.delete_sample_field("boxes")
    kind = fo.EmbeddedDocumentField
    lines.add_sample_field("boxes", kind, embedded_doc_type=fo.Polylines)
    # Boxes that are turned are polylines in FiftyOne
    turned = fo.Polyline.from_rotated_box(
        60, 60, 60, 30, 0.5, frame_size=(120, 120), label="a"
    )
    lines.set_values("boxes", [fo.Polylines(polylines=[turned.copy()]) for _ in lines])
    added = [
        {"_id": ObjectId(), "_cls": "Polyline", "label": "a", "points": points}
        for points in POINTS.values()
    ]
    first = {"_id": ObjectId(lines.first().id)}
    documents = lines._sample_collection
    documents.update_one(first, {"$push": {"boxes.polylines": {"$each": added}}})

    report = scan(lines, objects="boxes")

    sound, *broken = documents.find_one(first)["boxes"]["polylines"]
    assert sound["object_status"] == "ok" and "outlier" in sound
    for name, found in zip(POINTS, broken, strict=True):
        assert found["object_status"] == "degenerate", name
    assert report.counts["bad_boxes"] == len(POINTS)
    lines.delete()


def test_boxes_of_a_picture_that_its_exif_turns_are_those_that_are_seen(
    tmp_path, draw, scan
):
    dataset = fo.Dataset()
    places = {"turned": [0.1, 0.2, 0.5, 0.6], "upright": [0.4, 0.3, 0.5, 0.6]}
    detail = draw(7, side=200).crop((0, 0, 100, 60))
    for number, (name, box) in enumerate(places.items()):
        picture = draw(800 + number, side=200).crop((0, 0, 200, 100))
        picture.paste(detail, (round(200 * box[0]), round(100 * box[1])))
        path = tmp_path / f"{name}.png"
        exif = picture.getexif()
        if name == "turned":
            # Shown turned by a quarter to the right, as it was drawn
            exif[0x0112] = 6
            picture = picture.transpose(Image.Transpose.ROTATE_90)
        picture.save(path, exif=exif)
        found = fo.Detections(detections=[fo.Detection(label="a", bounding_box=box)])
        dataset.add_sample(fo.Sample(filepath=str(path), boxes=found))

    scan(dataset, objects="boxes")

    one, other = (sample.boxes.detections[0] for sample in dataset)
    assert one.dup_kind == other.dup_kind == "pixels"
    assert one.dup_cluster == other.dup_cluster
    dataset.delete()


def test_ten_thousand_boxes_in_one_picture_are_scanned(dataset, scan):
    side = 0.005
    places = [(0.006 * (n % 100), 0.006 * (n // 100)) for n in range(10_000)]
    put(dataset, [label([x, y, side, side]) for x, y in places])

    report = scan(dataset, objects="boxes")

    found = stored(dataset)
    assert {one["object_status"] for one in found} == {"tiny"}
    assert len(found) == 10_000 == report.counts["box_tiny"]


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
