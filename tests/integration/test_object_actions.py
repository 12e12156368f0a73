"""Actions on labeled objects: other labels, removal, and back."""

from pathlib import Path

import fiftyone as fo
import fiftyone.operators as foo
import pytest

pytestmark = pytest.mark.integration

SIDE = 200
PLACES = [(10, 10), (110, 10), (10, 110), (110, 110)]


def operator(name):
    return foo.get_operator(f"@winnow/curate/{name}")


@pytest.fixture(scope="module")
def files(tmp_path_factory, draw):
    """Twelve pictures of four circles, or shapes, each on a plain ground."""
    folder = tmp_path_factory.mktemp("actions") / "set"
    folder.mkdir()
    found = []
    for number in range(12):
        picture = draw(300 + number, side=SIDE)
        picture.save(folder / f"{number:02d}.png")
        found.append(str(folder / f"{number:02d}.png"))
    return found


@pytest.fixture(params=["list", "single"])
def dataset(files, request, scan):
    """Every object is an outlier; of list 1 the last box is the second of two."""
    result = fo.Dataset()
    for number, path in enumerate(files):
        found = [
            fo.Detection(
                label="cat" if order % 2 else "dog",
                bounding_box=[left / SIDE, top / SIDE, 0.4, 0.4 + 0.004 * order],
                note=number,
            )
            for order, (left, top) in enumerate(PLACES)
        ]
        if number == 1:
            found.insert(1, found[0].copy())
        sample = fo.Sample(filepath=path)
        single = request.param == "single"
        sample["boxes"] = (
            found[number % 2] if single else fo.Detections(detections=found)
        )
        result.add_sample(sample)
    scan(result, objects="boxes", max_object_outlier_distance=0.0)
    yield result
    result.delete()


def stored(dataset):
    """The boxes of each sample, as the database holds them, without findings."""
    found = {}
    for sample in dataset._sample_collection.find():
        value = sample["boxes"] or {}
        labels = value.get("detections", [value] if value else [])
        keys = ("_id", "label", "bounding_box", "note")
        found[sample["filepath"]] = [{key: one[key] for key in keys} for one in labels]
    return found


def contents(files):
    return {
        path: (Path(path).read_bytes(), Path(path).stat().st_mtime_ns) for path in files
    }


def apply(name, dataset, plan):
    return operator(name)(
        dataset, plan_id=plan.plan_id, expect_count=plan.count, dry_run=False
    )


def undo(dataset):
    return operator("undo")(dataset, dry_run=False)


def change(dataset, path, **values):
    """What a person does to the first box of a picture meanwhile."""
    is_list = dataset.get_field("boxes").document_type is fo.Detections
    place = "boxes.detections.0" if is_list else "boxes"
    values = {f"{place}.{name}": value for name, value in values.items()}
    dataset._sample_collection.update_one({"filepath": path}, {"$set": values})


def test_objects_get_another_label_and_get_it_back(dataset, files):
    before, disk = stored(dataset), contents(files)
    plan = operator("retag")(
        dataset, "object_outliers", label="bird", allow_new_label=True
    )
    assert stored(dataset) == before
    count = sum(map(len, before.values()))
    assert plan.count == count and f"{count} objects would be given" in str(plan)
    change(dataset, files[0], label="horse")
    change(dataset, files[2], note="a person wrote this")

    done = apply("retag", dataset, plan)

    after = stored(dataset)
    labels = [one["label"] for found in after.values() for one in found]
    assert labels.count("bird") == done.count == count - 1
    assert after[files[0]][0]["label"] == "horse"
    assert after[files[2]][0]["note"] == "a person wrote this"
    assert "its label was changed since the plan was made" in str(done)
    assert "objects were given another label" in str(done)
    change(dataset, files[3], label="mouse")
    change(dataset, files[4], note="and this")

    back = undo(dataset)

    after = stored(dataset)
    assert after[files[3]][0]["label"] == "mouse"
    assert after[files[4]][0]["note"] == "and this"
    assert after[files[5]] == before[files[5]]
    assert "its label was changed since, and was left as it is" in str(back)
    assert contents(files) == disk


def test_objects_are_removed_and_come_back_to_their_places(dataset, files):
    before, disk = stored(dataset), contents(files)
    operator("tag")(dataset.limit(4), "object_outliers", "redraw")
    # One class keeps an object, whatever is asked for
    plan = operator("remove_objects")(dataset, "tag", tag="redraw")
    assert plan.count == sum(len(before[path]) for path in files[:4])
    assert stored(dataset) == before

    done = apply("remove_objects", dataset, plan)

    after = stored(dataset)
    assert [after[path] for path in files[:4]] == [[]] * 4
    assert {path: after[path] for path in files[4:]} == {
        path: before[path] for path in files[4:]
    }
    assert "were removed from the data set" in str(done)
    report = operator("set_thresholds")(dataset, max_object_outlier_distance=2.0)
    assert report.counts["objects"] == sum(map(len, before.values()))

    undo(dataset)

    assert stored(dataset) == before and contents(files) == disk


def test_what_a_person_does_meanwhile_is_no_obstacle(dataset, files):
    before = stored(dataset)
    operator("tag")(dataset.limit(3), "object_outliers", "redraw")
    plan = operator("remove_objects")(dataset, "tag", tag="redraw")
    dataset._sample_collection.update_one(
        {"filepath": files[0]}, {"$set": {"boxes": None}}
    )
    dataset._sample_collection.delete_one({"filepath": files[1]})

    done = apply("remove_objects", dataset, plan)

    assert "it was removed since" in str(done) or "sample was deleted" in str(done)
    assert stored(dataset)[files[2]] == []
    undo(dataset)
    after = stored(dataset)
    assert after[files[0]] == [] and files[1] not in after
    assert after[files[2]] == before[files[2]]


def test_the_last_objects_of_a_class_stay_and_protected_ones(dataset, files):
    plan = operator("remove_objects")(dataset, "object_outliers")
    assert plan.count == 0 and "nothing would be left of" in str(plan)

    operator("tag")(dataset.limit(1), "object_outliers", "keep")
    plan = operator("remove_objects")(dataset, "object_outliers")
    assert "protected by the tag 'keep'" in str(plan)


def test_a_second_box_goes_and_the_first_stays(dataset, files):
    if dataset.get_field("boxes").document_type is not fo.Detections:
        pytest.skip("one box a picture has no second")
    plan = operator("remove_objects")(dataset, "bad_boxes")
    (item,) = plan.items()
    assert item.why == "dog, duplicate"
    apply("remove_objects", dataset, plan)

    assert len(stored(dataset)[files[1]]) == 4
    assert operator("show")(dataset, "bad_boxes").count() == 0


def test_what_cannot_be_done_says_why(dataset, scan):
    with pytest.raises(ValueError, match="Say what to act on"):
        operator("remove_objects")(dataset)
    with pytest.raises(ValueError, match="is no finding of objects"):
        operator("remove_objects")(dataset, "duplicates")
    with pytest.raises(ValueError, match="No object is tagged 'gone'"):
        operator("remove_objects")(dataset, "tag", tag="gone")
    with pytest.raises(ValueError, match="No object is labeled 'bird' yet"):
        operator("retag")(dataset, "object_outliers", label="bird")
    scan(dataset)
    with pytest.raises(ValueError, match="did not look at objects"):
        operator("remove_objects")(dataset, "bad_boxes")


def test_boxes_are_exported_without_what_a_scan_put_on_them(dataset, files, tmp_path):
    is_list = dataset.get_field("boxes").document_type is fo.Detections
    if not is_list:
        with pytest.raises(ValueError, match="a field of Detections that was scanned"):
            operator("export")(
                dataset, str(tmp_path / "out"), format="coco", without=[]
            )
        assert not (tmp_path / "out").exists()
        return
    change(dataset, files[3], bounding_box=[])
    kinds = {
        "coco": fo.types.COCODetectionDataset,
        "yolo": fo.types.YOLOv5Dataset,
        "voc": fo.types.VOCDetectionDataset,
    }
    for format, kind in kinds.items():
        out = tmp_path / format
        done = operator("export")(dataset, str(out), format=format, without=[])
        assert done.count == 12
        text = "".join(
            path.read_text()
            for path in out.rglob("*")
            if path.suffix in (".json", ".xml", ".txt", ".yaml")
        )
        assert "outlier" not in text and "object_status" not in text
        if format != "yolo":
            assert "note" in text
        options = {"split": "train"} if format == "yolo" else {}
        again = fo.Dataset.from_dir(
            str(out), dataset_type=kind, label_field="boxes", progress=False, **options
        )
        try:
            assert len(again) == 12
            (field,) = [n for n in again.get_field_schema() if n.startswith("boxes")]
            assert again.count(f"{field}.detections") == 12 * 4 + 1 - 1
            assert set(again.distinct(f"{field}.detections.label")) == {"cat", "dog"}
        finally:
            again.delete()
