"""Boxes beside a folder of images: COCO, YOLO and VOC, as FiftyOne reads them."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import fiftyone as fo
import fiftyone.utils.coco as fouc
import fiftyone.utils.voc as fouv
import fiftyone.utils.yolo as fouy
import yaml

from ....core.common.text import counted, first_of
from ....core.errors import InputError
from ....core.reading.folders import path_inside

OBJECT_FIELD = "objects"

_NAMES_FILES = ("classes.txt", "obj.names", "classes.names")
_ACCEPTED = (
    "a COCO .json, a YOLO data.yaml, or a folder with a .txt (YOLO) or .xml (VOC) "
    "for each image"
)
_INFO = "winnow_annotations"
_NAMED = 3


@dataclass
class Annotations:
    """The boxes of a folder's images.

    Attributes:
        kind: COCO, YOLO or VOC
        digest: of all that was read
        of_path: absolute path of an image -> its boxes
        without_image: names in the annotations that are no image of the folder
        unreadable: names of annotation files -> why
    """

    kind: str
    digest: str
    of_path: dict[str, fo.Detections] = field(default_factory=dict)
    without_image: list[str] = field(default_factory=list)
    unreadable: dict[str, str] = field(default_factory=dict)


def read_annotations(path: Path, root: Path, images: list[str]) -> Annotations:
    """Reads the boxes of images.

    COCO names images by their path in the folder, or by a file name that only one of
    them has. YOLO and VOC have one file an image: beside it; in a folder ``labels``
    where the image is in ``images``; or in the annotations' folder, at the same place
    or under the same name.

    Args:
        path: of the annotations: a file or a folder
        root: the folder of the images
        images: their absolute paths

    Raises:
        InputError: it is none of these, or holds no box of these images
    """
    if not path.exists():
        raise InputError(f"There is no {path}. ANNOTATIONS is {_ACCEPTED}.")
    suffix = path.suffix.lower()
    if path.is_dir():
        found = _read_folder(path, root, images)
    elif suffix == ".json":
        found = _read_coco(path, root, images)
    elif suffix in (".yaml", ".yml"):
        found = _read_yolo(path, _names_of_yaml(path), root, images)
    else:
        raise InputError(
            f"{path.name} is not a kind of annotations that is read. Give {_ACCEPTED}."
        )
    if not any(boxes.detections for boxes in found.of_path.values()):
        why = next(iter(found.unreadable.items()), None)
        hint = f" {why[0]} cannot be read: {why[1]}." if why else ""
        if found.without_image:
            hint += f" They name images such as {found.without_image[0]}."
        raise InputError(
            f"{path} has no box of an image in {root} ({found.kind}).{hint} Check that "
            "IMAGES and ANNOTATIONS belong together."
        )
    return found


def annotate(dataset: fo.Dataset, found: Annotations) -> bool:
    """Puts boxes on the samples, in the field :data:`OBJECT_FIELD`.

    While the annotations do not change, samples that were given their boxes once keep
    them, with what a person did to them since.

    Args:
        dataset: of the folder
        found: the boxes of its images

    Returns:
        whether boxes of an earlier run were replaced, since the annotations changed
    """
    if not dataset.has_sample_field(OBJECT_FIELD):
        dataset.add_sample_field(
            OBJECT_FIELD, fo.EmbeddedDocumentField, embedded_doc_type=fo.Detections
        )
    before = dataset.info.get(_INFO)
    changed = before is not None and before != found.digest
    view = dataset if changed else dataset.exists(OBJECT_FIELD, False)
    ids, paths = view.values(["id", "filepath"])
    boxes = {
        sample: found.of_path.get(path, fo.Detections() if changed else None)
        for sample, path in zip(ids, paths, strict=True)
        if changed or path in found.of_path
    }
    if boxes:
        dataset.set_values(OBJECT_FIELD, boxes, key_field="id")
    if before != found.digest:
        dataset.info[_INFO] = found.digest
        dataset.save()
    return changed


def describe(found: Annotations) -> list[str]:
    """Returns what was read, a sentence a line."""
    boxes = sum(len(one.detections) for one in found.of_path.values())
    lines = [f"Annotations ({found.kind}): {boxes:,} boxes on {len(found.of_path):,} "
             "images"]  # fmt: skip
    if found.without_image:
        gone = counted(len(found.without_image), "annotated image")
        names = first_of(found.without_image, _NAMED)
        lines.append(f"{gone} not in the folder: {names}")
    if found.unreadable:
        reasons = [f"{name} ({why})" for name, why in found.unreadable.items()]
        lines.append(
            f"{counted(len(found.unreadable), 'annotation file')} unreadable: "
            f"{first_of(reasons, _NAMED)}"
        )
    return lines


def _read_coco(path: Path, root: Path, images: list[str]) -> Annotations:
    data = path.read_bytes()
    try:
        _, classes, _, listed, boxes = fouc.load_coco_detection_annotations(str(path))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"{path} is not a COCO file of detections that can be read ({error!r}). It "
            'needs "images", "annotations" and "categories".'
        ) from error
    found = Annotations("COCO", hashlib.sha256(data).hexdigest())
    path_of = _by_name(root, images)
    for number, image in listed.items():
        name = str(image.get("file_name"))
        place = path_of.get(os.path.normpath(name)) or path_of.get(Path(name).name)
        if place is None:
            found.without_image.append(name)
            continue
        size = image.get("width"), image.get("height")
        if not all(isinstance(side, int | float) and side > 0 for side in size):
            found.unreadable[name] = "its width and height are not given"
            continue
        shapes = [
            one.to_detection(size, classes_map=classes)
            for one in (boxes or {}).get(number, [])
            if one.bbox is not None and len(one.bbox) == 4
        ]
        found.of_path[place] = fo.Detections(detections=shapes)
    return found


def _by_name(root: Path, images: list[str]) -> dict[str, str]:
    """Returns the path of each image by its place in the folder, and by its name.

    A name that two of them have names none.
    """
    by_name: dict[str, str] = {}
    twice: set[str] = set()
    for path in images:
        name = Path(path).name
        twice |= {name} & by_name.keys()
        by_name[name] = path
    places = {path_inside(path, str(root)): path for path in images}
    return {name: by_name[name] for name in by_name if name not in twice} | places


def _read_folder(folder: Path, root: Path, images: list[str]) -> Annotations:
    suffixes = {path.suffix.lower() for path in folder.rglob("*") if path.is_file()}
    if ".xml" in suffixes:
        return _read_each("VOC", ".xml", _voc_boxes, folder, root, images)
    if ".txt" in suffixes:
        names = next(
            (
                place / name
                for place in (folder, folder.parent, root)
                for name in _NAMES_FILES
                if (place / name).is_file()
            ),
            None,
        )
        yaml_file = next(
            (
                file
                for place in (folder, folder.parent)
                for file in sorted([*place.glob("*.yaml"), *place.glob("*.yml")])
            ),
            None,
        )
        if names is not None:
            # A name a line: "traffic light" is one
            lines = [line.strip() for line in names.read_text("utf-8-sig").splitlines()]
            return _read_yolo(folder, lines, root, images)
        if yaml_file is not None:
            return _read_yolo(folder, _names_of_yaml(yaml_file), root, images)
        raise InputError(
            f"The .txt files in {folder} name classes by numbers. Put their names, one "
            "a line, into classes.txt there, or give the data.yaml as ANNOTATIONS."
        )
    raise InputError(f"{folder} has no annotations. ANNOTATIONS is {_ACCEPTED}.")


def _read_yolo(
    path: Path, names: list[str], root: Path, images: list[str]
) -> Annotations:
    def boxes(file: str) -> fo.Detections:
        return fouy.load_yolo_annotations(file, names)

    folder = path if path.is_dir() else path.parent
    return _read_each("YOLO", ".txt", boxes, folder, root, images)


def _names_of_yaml(path: Path) -> list[str]:
    try:
        names: Any = yaml.safe_load(path.read_text(encoding="utf-8"))["names"]
        if isinstance(names, Mapping):
            names = [names[number] for number in range(len(names))]
        return [str(name) for name in names]
    except (yaml.YAMLError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{path} has no list of class names that can be read ({error!r}). YOLO's "
            "data.yaml has 'names', a list, or numbers from 0 with a name each."
        ) from error


def _voc_boxes(file: str) -> fo.Detections:
    annotation = fouv.load_voc_detection_annotations(file)
    if annotation.metadata is None or not annotation.metadata.width:
        raise ValueError("its size is not given")
    return annotation.to_detections()


def _read_each(
    kind: str,
    suffix: str,
    boxes: Callable[[str], fo.Detections],
    folder: Path,
    root: Path,
    images: list[str],
) -> Annotations:
    digest = hashlib.sha256()
    found = Annotations(kind, "")
    used = set()
    for image in images:
        file = next(filter(os.path.isfile, _places(image, suffix, folder, root)), None)
        if file is None:
            continue
        used.add(os.path.realpath(file))
        digest.update(os.fsencode(file) + b"\0" + Path(file).read_bytes())
        try:
            found.of_path[image] = boxes(file)
        # FiftyOne's parsers raise a zoo of types on odd lines: this file has none
        except Exception as error:
            found.unreadable[Path(file).name] = str(error) or repr(error)
    found.digest = digest.hexdigest()
    found.without_image = sorted(
        path.name
        for path in folder.rglob(f"*{suffix}")
        if os.path.realpath(path) not in used and path.name not in _NAMES_FILES
    )
    return found


def _places(image: str, suffix: str, folder: Path, root: Path) -> list[str]:
    """Returns where the annotations of an image may lie, the surest first."""
    stem = os.path.splitext(image)[0]
    inside = os.path.splitext(path_inside(image, str(root)))[0]
    parts = Path(inside).parts
    above, last, below = stem.rpartition(f"{os.sep}images{os.sep}")
    bare = [part for part in parts if part != "images"]
    places = [
        os.path.join(folder, inside),
        os.path.join(folder, *bare),
        f"{above}{os.sep}labels{os.sep}{below}" if last else stem,
        stem,
        os.path.join(folder, parts[-1]),
    ]
    return [place + suffix for place in places]
