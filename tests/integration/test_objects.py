"""Labeled objects as units of a scan, on a real database."""

import fiftyone as fo
import fiftyone.operators as foo
import numpy as np
import pytest
from bson import ObjectId
from fiftyone.operators.executor import ExecutionContext
from PIL import Image, ImageDraw

pytestmark = pytest.mark.integration

SIDE = 240
PLACES = [(20, 20), (140, 20), (20, 140), (140, 140)]


def operator(name):
    return foo.get_operator(f"@winnow/curate/{name}")


def paste(picture, ground, place, label, random):
    """Draws a ring or stripes of 64 pixels, on a ground of its own."""
    art = Image.blend(ground, Image.new("RGB", (64, 64), "white"), 0.5)
    pen = ImageDraw.Draw(art)
    color = tuple(random.integers(0, 90, 3).tolist())
    if label == "ring":
        edge = int(random.integers(4, 12))
        pen.ellipse((edge, edge, 63 - edge, 63 - edge), outline=color, width=8)
    else:
        step = int(random.integers(10, 16))
        for x in range(int(random.integers(0, 8)), 64, step):
            pen.rectangle((x, 0, x + 4, 63), fill=color)
    picture.paste(art, place)


def box_at(place, side=64):
    return [place[0] / SIDE, place[1] / SIDE, side / SIDE, side / SIDE]


@pytest.fixture(scope="module")
def pictures(tmp_path_factory, draw):
    """Paths of 20 pictures, and the labels of the four objects on each."""
    folder, random = tmp_path_factory.mktemp("objects"), np.random.default_rng(3)
    found = []
    for number in range(20):
        picture = draw(number, side=SIDE)
        labels = [["ring", "stripes"][random.integers(2)] for _ in PLACES]
        for order, (place, label) in enumerate(zip(PLACES, labels, strict=True)):
            ground = draw(1000 + 4 * number + order, side=64)
            paste(picture, ground, place, label, random)
        path = folder / f"{number:02d}.png"
        picture.save(path)
        found.append((str(path), labels))
    return found


@pytest.fixture
def make(pictures):
    """Makes a data set; picture 3 has a wrong label, 4 a second box, 5 a bad one."""
    made = []

    def dataset(one=fo.Detection, many=fo.Detections, count=20):
        samples = []
        for number, (path, labels) in enumerate(pictures[:count]):
            objects = [
                shape(one, label, place)
                for label, place in zip(labels, PLACES, strict=True)
            ]
            if number == 3:
                objects[1].label = {"ring": "stripes", "stripes": "ring"}[labels[1]]
            if number == 4:
                objects.append(shape(one, labels[2], PLACES[2]))
            if number == 5:
                objects.append(broken(one))
            sample = fo.Sample(filepath=path, tags=["test" if number > 14 else "train"])
            if many is None:
                sample["boxes"] = objects[0]
            else:
                sample["boxes"] = many(**{many._LABEL_LIST_FIELD: objects})
            samples.append(sample)
        # One without objects, and one without a value
        samples[7]["boxes"] = many() if many else None
        samples[8]["boxes"] = None
        result = fo.Dataset()
        result.add_samples(samples)
        made.append(result)
        return result

    yield dataset
    for one in made:
        one.delete()


def shape(kind, label, place):
    left, top, width, height = box_at(place)
    if kind is fo.Detection:
        return fo.Detection(label=label, bounding_box=[left, top, width, height])
    corners = [(left, top), (left + width, top), (left + width, top + height)]
    return fo.Polyline(label=label, points=[[*corners, (left, top + height)]])


def broken(kind):
    if kind is fo.Detection:
        return fo.Detection(label="ring", bounding_box=[0.1, 0.1, 0.2, -0.1])
    return fo.Polyline(label="ring", points=[])


def stored(dataset, path="boxes.detections"):
    """The objects as the database holds them, by their ids."""
    outer, _, inner = path.partition(".")
    found = {}
    for sample in dataset._sample_collection.find():
        value = sample.get(outer) or {}
        for label in value.get(inner) or [] if inner else [value] if value else []:
            found[str(label["_id"])] = label
    return found


@pytest.mark.parametrize(
    ("one", "many", "path"),
    [
        (fo.Detection, fo.Detections, "boxes.detections"),
        (fo.Polyline, fo.Polylines, "boxes.polylines"),
    ],
)
def test_what_is_wrong_with_objects_stands_on_them(make, scan, one, many, path):
    dataset = make(one, many)

    report = scan(dataset, objects="boxes", split_by=["train", "test"])

    labels = stored(dataset, path)
    assert report.counts["objects"] == len(labels) == 18 * 4 + 2
    samples = list(dataset)
    wrong = labels[samples[3].boxes[many._LABEL_LIST_FIELD][1].id]
    assert wrong["label_issue"] is True
    assert wrong["label_suggestion"] != wrong["label"]
    assert wrong["label_counterexample"] in labels
    second = labels[samples[4].boxes[many._LABEL_LIST_FIELD][4].id]
    assert second["box_issues"] == ["duplicate"]
    bad = labels[samples[5].boxes[many._LABEL_LIST_FIELD][4].id]
    assert bad["object_status"] == "degenerate"
    assert bad["box_issues"] == ["degenerate"]
    # Absent, not None
    assert "label_score" not in bad and "outlier" not in bad
    assert sum("box_issues" in label for label in labels.values()) == 2
    assert report.counts["bad_boxes"] == 2
    field = dataset.get_field(f"{path}.label_score")
    assert field.info == {"created_by": "@winnow/curate"}
    assert "and 74 objects" in str(report) and "Bad boxes" in str(report)


@pytest.mark.parametrize("one", [fo.Detection, fo.Polyline])
def test_a_field_of_one_object_a_picture_is_scanned_too(make, scan, one):
    dataset = make(one, None)

    report = scan(dataset, objects="boxes")

    labels = stored(dataset, "boxes")
    assert report.counts["objects"] == 18
    assert all(label["object_status"] == "ok" for label in labels.values())
    assert all("label_score" in label for label in labels.values())
    shown = operator("show")(dataset, "object_outliers")
    assert len(shown) == report.counts["object_outliers"]
    sample = dataset.exists("boxes", False).first()
    assert sample.boxes is None


def test_a_second_scan_finds_the_same_and_one_without_objects_removes_it(make, scan):
    dataset = make()
    first = scan(dataset, objects="boxes")
    before = stored(dataset)

    again = scan(dataset, objects="boxes")

    assert again.counts == first.counts
    assert stored(dataset) == before
    scan(dataset)
    assert not any("object_status" in label for label in stored(dataset).values())
    with pytest.raises(ValueError, match="did not look at objects"):
        operator("show")(dataset, "bad_boxes")
    kept, rows = run_files(dataset)
    assert rows.name == kept.with_suffix(".rows.npz").name


def test_attributes_of_many_requests_are_all_written(make, scan, monkeypatch):
    dataset, told = make(), []
    scan(dataset, objects="boxes", prefix="whole")
    monkeypatch.setattr(fields_module(), "SAMPLES_A_WRITE", 3)

    scan(dataset, objects="boxes", prefix="few", progress=told.append)

    stage = "Writing attributes of objects"
    written = [one.done for one in told if one.stage == stage]
    assert written == [*range(3, written[-1], 3), written[-1]]
    assert len(written) > 4
    for label in stored(dataset).values():
        whole, few = (
            {
                name.removeprefix(prefix): value
                for name, value in label.items()
                if name.startswith(prefix)
            }
            for prefix in ("whole_", "few_")
        )
        assert few == whole
        assert "object_status" in few


def run_files(dataset):
    import sys

    paths = sys.modules[
        "fiftyone.plugins.orgs.winnow.curate.operators.adapter.runs.paths"
    ]
    name = dataset.get_run_info("winnow").config.scan_data
    folder = paths.scan_data_path(name).parent
    return sorted(folder.glob(f"{dataset._doc.id}-*"))


def test_another_prefix_and_another_field_do_not_disturb_a_scan(make, scan):
    dataset = make()
    dataset.clone_sample_field("boxes", "others")
    scan(dataset, objects="boxes")
    before = stored(dataset)

    scan(dataset, objects="others", prefix="mine")

    assert stored(dataset) == before
    others = stored(dataset, "others.detections")
    assert all("mine_object_status" in label for label in others.values())
    scan(dataset, objects="others")
    assert not any("object_status" in label for label in stored(dataset).values())


def fields_module():
    import sys

    name = "fiftyone.plugins.orgs.winnow.curate.operators.adapter.dataset.object_fields"
    return sys.modules[name]


@pytest.fixture
def written(make, scan):
    """Writes a score to every object after a person did something to the labels."""
    dataset = make()
    scan(dataset, objects="boxes")
    before = stored(dataset)
    samples = list(dataset)

    def write(meanwhile):
        meanwhile(dataset._sample_collection, samples)
        rows = {sample.id: row for row, sample in enumerate(samples)}
        ids = list(before)
        owner = {
            label.id: rows[sample.id]
            for sample in samples
            for label in (sample.boxes.detections if sample.boxes else [])
        }
        fields_module().write_object_findings(
            dataset,
            "boxes",
            [sample.id for sample in samples],
            ids,
            np.array([owner[one] for one in ids]),
            {
                "label_score": [7.5] * len(ids),
                "label_suggestion": ["$label"] * len(ids),
            },
            prefix=None,
            on_progress=lambda progress: None,
        )
        return samples, stored(dataset)

    return write


def test_edits_that_are_made_while_findings_are_written_survive(written):
    new = ObjectId()

    def meanwhile(documents, samples):
        one = {"_id": ObjectId(samples[0].id)}
        documents.update_one(one, {"$set": {"boxes.detections.0.label": "$edited"}})
        documents.update_one(
            one,
            {"$push": {"boxes.detections": {"$each": [{"_id": new}], "$position": 0}}},
        )
        gone = samples[1].boxes.detections[2].id
        documents.update_one(
            {"_id": ObjectId(samples[1].id)},
            {"$pull": {"boxes.detections": {"_id": ObjectId(gone)}}},
        )
        documents.update_one(
            {"_id": ObjectId(samples[2].id)}, {"$set": {"boxes": None}}
        )

    samples, labels = written(meanwhile)

    edited = labels[samples[0].boxes.detections[0].id]
    assert edited["label"] == "$edited" and edited["label_score"] == 7.5
    assert labels[str(new)] == {"_id": new}
    assert samples[1].boxes.detections[2].id not in labels
    kept = labels[samples[1].boxes.detections[3].id]
    assert kept["label_score"] == 7.5 and kept["label_suggestion"] == "$label"
    assert samples[2].boxes.detections[0].id not in labels
    documents = samples[0]._dataset._sample_collection
    assert documents.find_one({"_id": ObjectId(samples[2].id)})["boxes"] is None


def test_ten_thousand_objects_of_one_sample_are_written(make):
    dataset = make(count=10)
    ids = [ObjectId() for _ in range(10_000)]
    documents = dataset._sample_collection
    labels = [{"_id": one, "label": "a"} for one in ids]
    first = {"_id": ObjectId(dataset.first().id)}
    documents.update_one(first, {"$set": {"boxes.detections": labels}})
    names = [spec.name for spec in fields_module().ATTRIBUTES if spec.type == "str"]
    columns = {name: [f"{name} {row}" for row in range(10_000)] for name in names}

    fields_module().write_object_findings(
        dataset,
        "boxes",
        [dataset.first().id],
        list(map(str, ids)),
        np.zeros(10_000, np.int64),
        columns,
        prefix=None,
        on_progress=lambda progress: None,
    )

    found = documents.find_one(first)["boxes"]["detections"]
    assert [one["_id"] for one in found] == ids
    for name in names:
        assert [one[name] for one in found] == columns[name]


def test_a_write_tells_when_a_sample_was_changed(written):
    samples, _ = written(lambda documents, samples: None)

    dataset = samples[0]._dataset
    dataset.reload()
    changed = dataset[samples[0].id].last_modified_at
    assert changed > dataset[samples[8].id].last_modified_at


def test_names_of_others_are_not_overwritten(make, scan):
    dataset = make()
    undeclared = {"boxes.detections.0.outlier": "mine"}
    sample = {"_id": ObjectId(dataset.first().id)}
    dataset._sample_collection.update_one(sample, {"$set": undeclared})
    assert dataset.get_field("boxes.detections.outlier") is None

    with pytest.raises(
        ValueError,
        match=r"'boxes\.detections\.outlier' already exists.*prefix='winnow'",
    ):
        scan(dataset, objects="boxes")

    assert not dataset.has_run("winnow")
    scan(dataset, objects="boxes", prefix="winnow")
    label = dataset._sample_collection.find_one(sample)["boxes"]["detections"][0]
    assert label["outlier"] == "mine" and "winnow_outlier" in label


def test_declared_names_and_read_only_fields_are_refused(make, scan):
    dataset = make()
    dataset.add_sample_field("boxes.detections.box_issues", fo.StringField)
    with pytest.raises(
        ValueError, match="'boxes.detections.box_issues' already exists"
    ):
        scan(dataset, objects="boxes")

    field = dataset.get_field("boxes")
    field.read_only = True
    field.save()
    with pytest.raises(ValueError, match="'boxes' is read-only"):
        scan(dataset, objects="boxes", prefix="mine")
    field.read_only = False
    field.save()


def test_what_cannot_be_scanned_as_objects_says_why(make, scan):
    dataset = make(count=10)
    dataset.add_sample_field("vectors", fo.VectorField)
    with pytest.raises(ValueError, match="no field 'box'.*can be used: boxes"):
        scan(dataset, objects="box")
    with pytest.raises(ValueError, match="'filepath' holds StringField"):
        scan(dataset, objects="filepath")
    with pytest.raises(ValueError, match="are of whole images"):
        scan(dataset, objects="boxes", embeddings="vectors")
    with pytest.raises(ValueError, match="'fastdup' has no rules for objects"):
        scan(dataset, objects="boxes", preset="fastdup")
    with pytest.raises(ValueError, match="min_box_overlap must be in"):
        scan(dataset, objects="boxes", min_box_overlap=0)
    with pytest.raises(ValueError, match="with objects="):
        scan(dataset.to_patches("boxes"))

    for sample in dataset:
        for label in sample.boxes.detections if sample.boxes else []:
            label.bounding_box = [SIDE * side for side in label.bounding_box]
        sample.save()
    with pytest.raises(ValueError, match=r"look like pixels \(such as \[20"):
        scan(dataset, objects="boxes")
    assert not dataset.has_run("winnow")


def test_thresholds_of_objects_are_moved_without_the_pictures(make, scan):
    dataset = make()
    scan(dataset, objects="boxes")
    set_thresholds = operator("set_thresholds")
    issues = {"max_object_outlier_distance": 0.0, "min_box_overlap": 1.0}

    report = set_thresholds(dataset, **issues)

    labels = stored(dataset).values()
    assert report.counts["object_outliers"] > 60
    assert (
        sum(label.get("outlier", False) for label in labels)
        == (report.counts["object_outliers"])
    )
    assert report.thresholds["min_box_overlap"] == 1
    # What is not named stays
    again = set_thresholds(dataset, min_object_label_score=0)
    assert again.counts["object_outliers"] == report.counts["object_outliers"]
    assert again.counts["object_label_issues"] == 0
    form = operator("set_thresholds").resolve_input(
        ExecutionContext({"dataset_name": dataset.name, "params": {}})
    )
    asked = form.type.properties["min_box_overlap"]
    assert asked.default == 1

    scan(dataset)
    with pytest.raises(ValueError, match="min_box_overlap changes nothing"):
        set_thresholds(dataset, min_box_overlap=0.9)


def test_the_form_asks_for_objects_where_there_are_boxes(make):
    def asked(dataset, **params):
        ctx = ExecutionContext({"dataset_name": dataset.name, "params": params})
        return operator("scan").resolve_input(ctx).type.properties

    dataset = make(count=10)
    form = asked(dataset)
    assert form["objects"].type.values == ["(none)", "boxes"]
    assert form["objects"].default == "(none)" and "min_box_overlap" not in form
    form = asked(dataset, more=True, objects="boxes")
    assert form["min_box_overlap"].default == 0.85 and "problem" not in form
    dataset.rename_sample_field("boxes", "ground_truth")
    assert asked(dataset)["objects"].default == "ground_truth"
    dataset.rename_sample_field("ground_truth", "boxes")
    dataset.add_sample_field("boxes.detections.outlier", fo.StringField)
    assert "problem" in asked(dataset, more=True, objects="boxes")
    chosen = operator("scan").options(
        ExecutionContext({"params": {"more": True, "objects": "(none)"}})
    )
    assert chosen.objects is None


def test_objects_that_changed_since_the_scan_do_not_keep_what_was_said(make, scan):
    dataset = make()
    scan(dataset, objects="boxes")
    first, second = list(dataset)[3].boxes.detections[1:3]
    assert first.label_issue
    sample = list(dataset)[3]
    sample.boxes.detections[1].label = first.label_suggestion
    del sample.boxes.detections[2]
    sample.save()

    report = operator("set_thresholds")(dataset, min_object_label_score=5)

    labels = stored(dataset)
    assert "label_issue" not in labels[first.id] and second.id not in labels
    assert labels[first.id]["label"] == first.label_suggestion
    assert report.counts["object_label_issues"] == sum(
        label.get("label_issue", False) for label in labels.values()
    )


def test_findings_of_objects_are_shown_tagged_and_audited(make, scan):
    dataset = make()
    report = scan(dataset, objects="boxes", max_object_outlier_distance=0.0)

    view = operator("show")(dataset, "object_label_issues", save=True)

    assert view._is_patches and len(view) == report.counts["object_label_issues"] > 0
    assert view.first().boxes.label_issue
    outliers = operator("show")(dataset, "object_outliers")
    assert len(outliers) == report.counts["object_outliers"] > 60
    distances = outliers.values("boxes.outlier_distance")
    assert distances == sorted(distances, reverse=True)
    bad = operator("show")(dataset, "bad_boxes")
    assert len(bad) == report.counts["bad_boxes"] == 2
    assert "Winnow: bad boxes" in dataset.list_saved_views()

    tagged = operator("tag")(dataset, "bad_boxes", "redraw")
    assert str(tagged) == "Tag 'redraw' added to 2 objects"
    assert dataset.count_label_tags() == {"redraw": 2}
    assert dataset.count_sample_tags().get("redraw") is None
    operator("tag")(dataset.skip(5), "bad_boxes", "redraw", remove=True)
    assert dataset.count_label_tags() == {"redraw": 1}

    audit = operator("audit")(dataset, "bad boxes <= 3 %, no bad boxes")
    assert [one.passed for one in audit.verdicts] == [True, False]
    assert "2 of 74 objects" in str(audit)


def test_what_works_on_pictures_refuses_findings_of_objects(make, scan, tmp_path):
    dataset = make()
    scan(dataset, objects="boxes")
    for name in ("quarantine", "move"):
        with pytest.raises(ValueError, match="'bad_boxes' is a finding of objects"):
            operator(name)(dataset, "bad_boxes")
    with pytest.raises(ValueError, match="'bad_boxes' is a finding of objects"):
        operator("export")(dataset, str(tmp_path / "out"), without=["bad_boxes"])
    with pytest.raises(ValueError, match="'bad_boxes' is a finding of objects"):
        operator("estimate_precision")(dataset, "bad_boxes")


def test_without_objects_a_policy_on_them_does_not_hold(make, scan):
    dataset = make()
    scan(dataset)

    audit = operator("audit")(dataset, "no bad boxes")

    assert not audit.passed and "objects were not scanned" in str(audit)
