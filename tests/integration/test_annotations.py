"""Folders of images with boxes beside them: COCO, YOLO and VOC."""

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path

import fiftyone as fo
import pytest

pytestmark = pytest.mark.integration

ROOT = Path(__file__).resolve().parents[2]
SIDE = 200
BOXES = {"cat": (20, 30, 80, 60), "dog": (110, 100, 60, 80)}
"""Left, top, width and height in pixels."""


@pytest.fixture(scope="module")
def module():
    fo.operators.list_operators()
    name = "fiftyone.plugins.orgs.winnow.curate.operators.adapter.dataset.annotations"
    return importlib.import_module(name)


@pytest.fixture
def pictures(tmp_path, draw):
    """images/train/0 to 3 and images/val/4 to 5; 5 shows what 0 does."""
    root = tmp_path / "set"
    found = []
    for number in range(6):
        path = root / "images" / ("train" if number < 4 else "val") / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        draw(200 + number % 5, side=SIDE).save(path)
        found.append(str(path))
    return root, found


def coco(pictures, lacking=(), **more):
    """A COCO file; of the pictures in ``lacking`` the dog is missing."""
    names = list(BOXES)
    return {
        "images": [
            {"id": n, "file_name": Path(path).name, "width": SIDE, "height": SIDE}
            for n, path in enumerate(pictures)
        ],
        "categories": [{"id": 7 + n, "name": name} for n, name in enumerate(names)],
        "annotations": [
            {
                "id": 10 * n + k,
                "image_id": n,
                "category_id": 7 + k,
                "bbox": list(BOXES[name]),
                "iscrowd": 0,
            }
            for n in range(len(pictures))
            for k, name in enumerate(names)
            if n not in lacking or name == "cat"
        ],
        **more,
    }


def boxes_of(found):
    return {
        Path(path).stem: [
            (one.label, [round(SIDE * side) for side in one.bounding_box])
            for one in boxes.detections
        ]
        for path, boxes in found.of_path.items()
    }


def all_boxes():
    every = [(name, list(box)) for name, box in BOXES.items()]
    return {str(number): every for number in range(6)}


def test_coco_is_read_by_file_names_or_places(module, pictures, tmp_path):
    root, images = pictures
    file = tmp_path / "coco.json"
    content = coco(images)
    content["images"].append({"id": 99, "file_name": "gone.png", "width": 1})
    file.write_text(json.dumps(content))

    found = module.read_annotations(file, root, images)

    assert boxes_of(found) == all_boxes()
    assert found.without_image == ["gone.png"]
    boxes, gone = module.describe(found)
    assert boxes.endswith("12 boxes on 6 images")
    assert gone == "1 annotated image not in the folder: gone.png"
    for image, path in zip(content["images"], images):
        image["file_name"] = os.path.relpath(path, root)
    del content["images"][2]["height"]
    file.write_text(json.dumps(content))
    found = module.read_annotations(file, root, images)
    assert boxes_of(found).keys() == set("01345")
    assert "width and height are not given" in module.describe(found)[-1]


def yolo_line(number, box):
    left, top, width, height = (side / SIDE for side in box)
    return f"{number} {left + width / 2} {top + height / 2} {width} {height}"


def write_yolo(folder, images):
    for path in images:
        place = folder / Path(path).parent.name / f"{Path(path).stem}.txt"
        place.parent.mkdir(parents=True, exist_ok=True)
        lines = [yolo_line(n, box) for n, box in enumerate(BOXES.values())]
        place.write_text("\n".join(lines))


@pytest.mark.parametrize("names", ["[cat, dog]", "{0: cat, 1: dog}"])
def test_yolo_is_read_from_its_data_yaml(module, pictures, names):
    root, images = pictures
    write_yolo(root / "labels", images)
    (root / "labels" / "val" / "5.txt").write_text("0 0.5 much 0.1 0.1")
    (root / "data.yaml").write_text(f"train: images/train\nnames: {names}\n")

    found = module.read_annotations(root / "data.yaml", root, images)

    whole = all_boxes()
    del whole["5"]
    assert boxes_of(found) == whole
    assert list(found.unreadable) == ["5.txt"]


def test_yolo_is_read_from_a_folder_with_names(module, pictures, tmp_path):
    root, images = pictures
    labels = tmp_path / "labels"
    write_yolo(labels, images)
    with pytest.raises(ValueError, match=r"name classes by numbers.*classes\.txt"):
        module.read_annotations(labels, root, images)

    (labels / "classes.txt").write_text("cat\ntraffic light\n")
    found = module.read_annotations(labels, root, images)

    boxes = {"cat": BOXES["cat"], "traffic light": BOXES["dog"]}
    every = [(name, list(box)) for name, box in boxes.items()]
    assert boxes_of(found) == {str(number): every for number in range(6)}
    assert found.without_image == []


def test_voc_is_read_from_a_folder(module, pictures, tmp_path):
    root, images = pictures
    folder = tmp_path / "Annotations"
    folder.mkdir()
    for path in images:
        objects = "".join(
            f"<object><name>{name}</name><bndbox><xmin>{x}</xmin><ymin>{y}</ymin>"
            f"<xmax>{x + w}</xmax><ymax>{y + h}</ymax></bndbox></object>"
            for name, (x, y, w, h) in BOXES.items()
        )
        size = f"<size><width>{SIDE}</width><height>{SIDE}</height></size>"
        text = f"<annotation>{size}{objects}</annotation>"
        (folder / f"{Path(path).stem}.xml").write_text(text)
    (folder / "3.xml").write_text("<annotation><object>")

    found = module.read_annotations(folder, root, images)

    whole = all_boxes()
    del whole["3"]
    assert boxes_of(found) == whole and list(found.unreadable) == ["3.xml"]


def test_what_is_no_annotation_says_what_is(module, pictures, tmp_path):
    root, images = pictures
    (tmp_path / "empty").mkdir()
    (tmp_path / "notes.csv").write_text("a,b")
    (tmp_path / "list.json").write_text("[1]")
    (tmp_path / "other.json").write_text(json.dumps(coco(["x.png"])))
    for name, message in {
        "gone.json": "There is no .*gone.json",
        "empty": "has no annotations",
        "notes.csv": "not a kind of annotations",
        "list.json": "is not a COCO file",
        "other.json": r"no box of an image.*such as x\.png.*belong together",
    }.items():
        with pytest.raises(ValueError, match=message):
            module.read_annotations(tmp_path / name, root, images)


def test_a_folder_with_annotations_is_scanned_in_one_command(pictures, tmp_path):
    root, images = pictures
    file = tmp_path / "coco.json"
    content = coco(images, lacking=[5])
    content["images"].append({"id": 99, "file_name": "gone.png"})
    file.write_text(json.dumps(content))

    def command():
        return subprocess.run(
            [sys.executable, str(ROOT / "cli" / "scan_folder.py"), str(root)],
            cwd=tmp_path,
            env={**os.environ, "ANNOTATIONS": str(file), "OUT": str(tmp_path / "out")},
            capture_output=True,
            text=True,
        )

    done = command()

    assert done.returncode == 0, done.stderr
    assert "Annotations (COCO): 11 boxes on 6 images" in done.stdout.splitlines()
    assert "\n1 annotated image not in the folder: gone.png\n" in done.stdout
    assert "Winnow scanned 6 images and 11 objects" in done.stdout
    assert "findings.jsonl, objects.jsonl and summary.json" in done.stdout
    lines = (tmp_path / "out" / "objects.jsonl").read_text().splitlines()
    rows = [json.loads(line) for line in lines]
    missing = [row for row in rows if row["copy_agreement"] == "missing"]
    assert [(row["filepath"], row["label"]) for row in missing] == [
        ("images/train/0.png", "dog")
    ]
    html = (tmp_path / "out" / "report.html").read_text()
    assert "Box disagreements" in html and "a copy lacks it" in html
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert report["sections"]["box_disagreements"]["count"] == 1
    (name,) = [one for one in fo.list_datasets() if one.startswith("winnow-set-")]
    dataset = fo.load_dataset(name)
    sample = next(one for one in dataset if one.filepath == images[5])
    dog = fo.Detection(label="dog", bounding_box=[0.55, 0.5, 0.3, 0.4])
    sample.objects.detections.append(dog)
    sample.save()

    again = command()

    # What a person did in FiftyOne stays while the annotations do
    assert "and 12 objects" in again.stdout, again.stderr
    file.write_text(json.dumps(coco(images, lacking=[5, 4])))
    changed = command()
    assert "The annotations changed" in changed.stdout
    assert "and 10 objects" in changed.stdout
