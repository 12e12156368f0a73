"""Makes sets of boxes with planted faults, for Winnow and for rivals.

    python benchmarks/object_truth.py voc FOLDER WORK     JPEGImages, Annotations
    python benchmarks/object_truth.py pasted FOLDER WORK  photographs, a folder a class

``voc`` leaves the pictures as they are. ``pasted`` pastes each photograph once, at 40
to 160 pixels, five on a picture of 640 x 480; each twentieth is pasted a second time
in another picture, at 0.8 to 1.25 of its size. Both give 5 % of the boxes another
label. Writes WORK/images and WORK/objects.json.
"""

from __future__ import annotations

import json
import shutil
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import cv2
import numpy as np

WRONG, TWICE = 0.05, 0.05
SIZE = (640, 480)
_PLACES = [(10, 10), (230, 20), (430, 10), (60, 250), (330, 260)]
_SIDES = (40, 64, 96, 128, 160)


def main(kind: str, source: Path, work: Path) -> None:
    shutil.rmtree(work, ignore_errors=True)
    (work / "images").mkdir(parents=True)
    found = {"voc": _voc, "pasted": _pasted}[kind](source, work / "images")
    random = np.random.default_rng(11)
    classes = sorted({one["label"] for one in found})
    for one in found:
        one["true_label"] = one["label"]
    firsts = [one for one in found if one["twin"] is None]
    for place in random.permutation(len(firsts))[: round(WRONG * len(firsts))]:
        others = [name for name in classes if name != firsts[place]["label"]]
        firsts[place]["label"] = str(random.choice(others))
    (work / "objects.json").write_text(json.dumps(found))
    print(f"{len(found)} boxes, {len(classes)} classes")


def _box(file: str, label: str, box: list[int], twin: int | None) -> dict[str, Any]:
    return {"file": file, "label": label, "box": box, "twin": twin}


def _voc(source: Path, images: Path) -> list[dict[str, Any]]:
    found = []
    for path in sorted((source / "Annotations").glob("*.xml")):
        picture = source / "JPEGImages" / f"{path.stem}.jpg"
        if not picture.exists():
            continue
        shutil.copyfile(picture, images / picture.name)
        for thing in ElementTree.parse(path).getroot().findall("object"):
            left, top, right, bottom = (
                int(float(thing.findtext(f"bndbox/{name}", "0")))
                for name in ("xmin", "ymin", "xmax", "ymax")
            )
            if right > left and bottom > top:
                box = [left, top, right - left, bottom - top]
                label = thing.findtext("name", "")
                found.append(_box(picture.name, label, box, None))
    return found


def _pasted(source: Path, images: Path) -> list[dict[str, Any]]:
    random = np.random.default_rng(5)
    folders = sorted(path for path in source.iterdir() if path.is_dir())
    photographs = [
        (path, folder.name)
        for folder in folders
        for path in sorted(folder.iterdir())
        if path.suffix.lower() in (".jpg", ".jpeg", ".png")
    ]
    twice = random.permutation(len(photographs))[: round(TWICE * len(photographs))]
    once = [(number, None) for number in range(len(photographs))]
    jobs = once + [(int(number), int(number)) for number in twice]
    # A second one comes into another picture than the first
    jobs = [jobs[place] for place in random.permutation(len(jobs))]
    sides = random.choice(_SIDES, len(photographs))
    found = []
    for number, start in enumerate(range(0, len(jobs), len(_PLACES))):
        canvas = _ground(random)
        name = f"{number:05d}.jpg"
        for (which, twin), (left, top) in zip(jobs[start:], _PLACES, strict=False):
            path, label = photographs[which]
            side = int(sides[which])
            if twin is not None:
                side = round(side * random.uniform(0.8, 1.25))
            art = cv2.resize(cv2.imread(str(path)), (side, side), None, 0, 0, 3)
            canvas[top : top + side, left : left + side] = art
            found.append(_box(name, label, [left, top, side, side], twin))
            found[-1]["photograph"] = which
        cv2.imwrite(str(images / name), canvas, [1, int(random.integers(80, 95))])
    return found


def _ground(random: np.random.Generator) -> np.ndarray:
    coarse = random.integers(60, 200, (6, 8, 3)).astype(np.uint8)
    smooth = cv2.resize(coarse, SIZE, interpolation=cv2.INTER_CUBIC).astype(np.float32)
    noise = random.normal(0, 6, smooth.shape)
    return np.clip(smooth + noise, 0, 255).astype(np.uint8)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
