"""Copies of one picture whose boxes differ, on a real database."""

import fiftyone as fo
import fiftyone.operators as foo
import pytest
from PIL import ImageOps

pytestmark = pytest.mark.integration

SIDE = 240
BOXES = [[0.1, 0.1, 0.3, 0.25], [0.5, 0.15, 0.4, 0.3], [0.2, 0.55, 0.3, 0.35]]
LABELS = ["cat", "dog", "cat"]


def operator(name):
    return foo.get_operator(f"@winnow/curate/{name}")


@pytest.fixture(scope="module")
def files(tmp_path_factory, draw):
    """Paths of eight pictures, and of a smaller mirrored copy of the first four."""
    folder = tmp_path_factory.mktemp("copies")
    found = []
    for number in range(8):
        picture = draw(72 + number, side=SIDE)
        picture.save(folder / f"{number}.png")
        found.append(str(folder / f"{number}.png"))
        if number < 4:
            copy = ImageOps.mirror(picture).resize((180, 180))
            copy.save(folder / f"{number}-copy.jpg", quality=85)
            found.append(str(folder / f"{number}-copy.jpg"))
    return found


def mirrored(box):
    return [1 - box[0] - box[2], *box[1:]]


@pytest.fixture
def dataset(files):
    """The copy of picture 1 lacks a box, of 2 it is shifted, of 3 the label differs."""
    result = fo.Dataset()
    for path in files:
        is_copy = path.endswith("jpg")
        boxes = [mirrored(box) if is_copy else list(box) for box in BOXES]
        labels = list(LABELS)
        if path.endswith("1-copy.jpg"):
            boxes, labels = boxes[:2], labels[:2]
        if path.endswith("2-copy.jpg"):
            boxes[1][0] -= 0.08
        if path.endswith("3-copy.jpg"):
            labels[0] = "dog"
        detections = [
            fo.Detection(label=label, bounding_box=box)
            for label, box in zip(labels, boxes, strict=True)
        ]
        sample = fo.Sample(filepath=path)
        sample["boxes"] = fo.Detections(detections=detections)
        result.add_sample(sample)
    yield result
    result.delete()


def said(dataset, name):
    """What a scan says of each box of a picture and of its copy."""
    found = []
    for end in (f"{name}.png", f"{name}-copy.jpg"):
        sample = next(one for one in dataset if one.filepath.endswith(f"/{end}"))
        labels = sample.boxes.detections
        found.append([getattr(label, "copy_agreement", None) for label in labels])
    return found


def of_picture(dataset, end):
    sample = next(one for one in dataset if one.filepath.endswith(f"/{end}"))
    names = ("objects_flagged", "objects_missing", "box_conflict")
    return [sample[name] for name in names]


def test_boxes_of_copies_that_differ_are_named(dataset, scan):
    report = scan(dataset, objects="boxes", max_object_outlier_distance=2.0)

    dataset.reload()
    agrees = ["agrees"] * 3
    assert said(dataset, "0") == [agrees, agrees]
    assert said(dataset, "1") == [["agrees", "agrees", "missing"], ["agrees"] * 2]
    assert said(dataset, "2") == [["agrees", "shifted", "agrees"]] * 2
    assert said(dataset, "3") == [["other label", "agrees", "agrees"]] * 2
    assert of_picture(dataset, "0.png") == [0, 0, False]
    assert of_picture(dataset, "1.png") == [1, 0, True]
    assert of_picture(dataset, "1-copy.jpg") == [0, 1, True]
    assert of_picture(dataset, "7.png") == [0, None, None]
    assert report.counts["box_disagreements"] == 5
    assert report.counts["pictures_in_conflict"] == 6
    line = next(row for row in str(report).split("\n") if "Box disagreements" in row)
    assert "of 23 boxes on pictures that have a copy; 6 pictures" in line
    assert "shifted 2, missing 1, other label 2" in str(report)


def test_disagreements_are_shown_tagged_and_audited(dataset, scan):
    scan(dataset, objects="boxes")

    view = operator("show")(dataset, "box_disagreements")

    assert view._is_patches and len(view) == 5
    kinds = view.values("boxes.copy_agreement")
    assert kinds == sorted(kinds)
    other = view.match(fo.ViewField("boxes.copy_agreement") == "other label")
    assert sorted(other.values("boxes.copy_label")) == ["cat", "dog"]
    operator("tag")(dataset, "box_disagreements", "look")
    assert dataset.count_label_tags() == {"look": 5}
    audit = operator("audit")(dataset, "no box disagreements")
    assert not audit.passed and "5 of 35 objects" in str(audit)


def test_the_overlap_that_copies_need_is_moved_without_the_pictures(dataset, scan):
    scan(dataset, objects="boxes")

    report = operator("set_thresholds")(dataset, min_agreement=0.5)

    assert report.counts["copies_shifted"] == 0
    assert said(dataset, "2") == [["agrees"] * 3] * 2
    with pytest.raises(ValueError, match="min_agreement must be in"):
        operator("set_thresholds")(dataset, min_agreement=0.95)


def test_pictures_that_are_copies_no_more_do_not_disagree(dataset, scan):
    scan(dataset, objects="boxes")
    gone = next(one for one in dataset if one.filepath.endswith("3-copy.jpg"))
    dataset.delete_samples([gone])

    report = operator("set_thresholds")(dataset, min_agreement=0.8)

    sample = next(one for one in dataset if one.filepath.endswith("/3.png"))
    kinds = [getattr(one, "copy_agreement", None) for one in sample.boxes.detections]
    assert kinds == [None] * 3
    assert report.counts["box_disagreements"] == 3
    assert of_picture(dataset, "3.png")[1:] == [None, None]


def test_a_scan_without_objects_leaves_no_counts_of_objects(dataset, scan):
    scan(dataset, objects="boxes")

    report = scan(dataset)

    assert of_picture(dataset, "1.png") == [None] * 3
    assert "Box disagreements" not in str(report)
    fresh = dataset.clone()
    try:
        for name in ("objects_flagged", "objects_missing", "box_conflict"):
            fresh.delete_sample_field(name)
        fresh.add_sample_field("objects_missing", fo.StringField)
        scan(fresh)
        with pytest.raises(ValueError, match="'objects_missing' already exists"):
            scan(fresh, objects="boxes")
    finally:
        fresh.delete()
