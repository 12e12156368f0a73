"""Boxes of copies that differ, and second boxes: planted truth on photographs.

    python benchmarks/objects.py FOLDER [--photographs 120]

FOLDER holds photographs (JPEG). Of each a copy is made in one of six ways, with the
boxes carried along by the transformation that made it; in three of four copies one of
three boxes is left out, gets another label, or is shifted by 15 to 30 % of its width.
Besides, a patch of another photograph is pasted in, and pasted elsewhere in the copy:
with its box (nothing is wrong) or without (it is). Prints the table of objects.md.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import cv2
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from core.copy_detection.overlays import STILL, after  # noqa: E402
from core.embedding.records import open_store  # noqa: E402
from core.models.registry import load_embedder  # noqa: E402
from core.objects.agreement import AGREEMENTS, Agreement, agree, carried  # noqa: E402
from core.objects.boxes import BOX_ISSUES, box_issues  # noqa: E402
from core.objects.collect import compare_copies  # noqa: E402
from core.objects.units import units_of  # noqa: E402
from core.scan.apply_thresholds import apply_thresholds  # noqa: E402
from core.scan.collect import collect_scan_data  # noqa: E402
from core.scan.scan_data import ScanInput  # noqa: E402

SIDE = 480
_MIRROR = np.array([[-1.0, 0, 1], [0, 1, 0]])
_WRONG = ("nothing", "missing", "other label", "shifted")


def _crop(share: float) -> np.ndarray:
    scale = 1 / share
    return np.array([[scale, 0, (1 - scale) / 2], [0, scale, (1 - scale) / 2]])


def _tilt(degrees: float) -> np.ndarray:
    a = np.radians(degrees)
    linear = np.array([[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]])
    return np.concatenate([linear, (0.5 - linear @ [0.5, 0.5])[:, None]], axis=1)


CHANGES = {
    "re-encoded": (STILL, 1.0),
    "resized": (STILL, 0.6),
    "mirrored": (_MIRROR, 1.0),
    "cropped": (_crop(0.85), 1.0),
    "rotated": (_tilt(3), 1.0),
    "mirrored and cropped": (after(_MIRROR, _crop(0.85)), 0.8),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--photographs", type=int, default=120)
    options = parser.parse_args()
    files = sorted(options.folder.rglob("*.jpg"))[: options.photographs]
    photographs = [_square(path) for path in files]
    print("| figure | found |\n| :-- | --: |")
    with tempfile.TemporaryDirectory() as folder:
        _planted(photographs, Path(folder))
        _moved(photographs, Path(folder))
    _second_boxes()


def _square(path: Path) -> np.ndarray:
    picture = cv2.imread(os.fspath(path))
    return cv2.resize(picture, (SIDE, SIDE), interpolation=cv2.INTER_AREA)


def _boxes(random: np.random.Generator) -> np.ndarray:
    """Three boxes in three corners: left, top, right, bottom."""
    places = random.permutation([[0, 0], [0.5, 0], [0, 0.5], [0.5, 0.5]])[:3]
    size = random.uniform(0.12, 0.35, (3, 2))
    low = places + 0.05 + random.uniform(0, 1, (3, 2)) * (0.4 - size).clip(0)
    return np.concatenate([low, low + size], axis=1)


def _laid(picture: np.ndarray, there: np.ndarray, scale: float) -> np.ndarray:
    matrix = there.copy()
    side = round(SIDE * scale)
    matrix[:, :2] *= side / SIDE
    matrix[:, 2] *= side
    flags, border = cv2.INTER_AREA, cv2.BORDER_REFLECT
    return cv2.warpAffine(picture, matrix, (side, side), flags=flags, borderMode=border)


def _planted(photographs: list[np.ndarray], folder: Path) -> None:
    random = np.random.default_rng(1)
    paths, boxes, labels, truth, names = [], [], [], [], []
    for number, picture in enumerate(photographs):
        name = list(CHANGES)[number % len(CHANGES)]
        there, scale = CHANGES[name]
        wrong = _WRONG[number // len(CHANGES) % len(_WRONG)]
        own, own_labels = _boxes(random), random.integers(0, 5, 3)
        other, other_labels = carried(own, there), own_labels.copy()
        kept = np.arange(3)
        if wrong == "missing":
            kept = kept[1:]
        if wrong == "other label":
            other_labels[0] += 1
        if wrong == "shifted":
            way = random.choice([-1, 1]) * random.uniform(0.15, 0.3)
            other[0, [0, 2]] += way * (other[0, 2] - other[0, 0])
        for end, drawn in enumerate((picture, _laid(picture, there, scale))):
            paths.append(folder / f"{number}-{end}.jpg")
            cv2.imwrite(os.fspath(paths[-1]), drawn, [1, 92 if end == 0 else 70])
        boxes += [own, other[kept]]
        labels += [own_labels, other_labels[kept]]
        truth.append(wrong)
        names.append(name)
    started = time.perf_counter()
    found, copies, seconds = _compared(paths, boxes, labels, folder)
    planted, right, false, asked = Counter[str](), Counter[str](), 0, 0
    kinds = np.split(found.kind, np.cumsum([len(one) for one in boxes])[:-1])
    of_change = Counter(names[number] for number in copies)
    for number in copies:
        own = kinds[2 * number]
        wrong = truth[number]
        rest = own if wrong == "nothing" else own[1:]
        asked += int((rest >= 0).sum())
        false += int((rest > 0).sum())
        # A crop may not show the place of the box at all
        if wrong != "nothing" and own[0] >= 0:
            planted[wrong] += 1
            right[wrong] += AGREEMENTS[own[0]] == wrong
    made = Counter(names)
    found_of = ", ".join(f"{name} {of_change[name]} of {made[name]}" for name in made)
    print(f"| copies found ({found_of}) | {len(copies)} of {len(photographs)} |")
    for wrong in _WRONG[1:]:
        print(f"| {wrong}: named so | {right[wrong]} of {planted[wrong]} |")
    print(f"| boxes that agree, called otherwise | {false} of {asked} |")
    print(f"| seconds to compare the boxes of {len(copies)} pairs | {seconds:.1f} |")
    print(f"| seconds in all | {time.perf_counter() - started:.0f} |")


def _moved(photographs: list[np.ndarray], folder: Path) -> None:
    random = np.random.default_rng(2)
    paths, boxes, labels = [], [], []
    for number, picture in enumerate(photographs):
        patch = photographs[(number + 7) % len(photographs)]
        low, size = random.uniform(0.3, 0.4, 2), random.uniform(0.12, 0.3, 2)
        moved = low + random.choice([-1, 1]) * random.uniform(0.15, 0.5) * size * [1, 0]
        # In the second half the object stays, and its box alone moves
        stays = number % 2 == 1
        for end, place in enumerate((low, low if stays else moved)):
            drawn = _pasted(picture, patch, place, size)
            paths.append(folder / f"moved-{number}-{end}.jpg")
            cv2.imwrite(os.fspath(paths[-1]), drawn, [1, 90 if end == 0 else 75])
        for place in (low, moved):
            boxes.append(np.concatenate([place, place + size])[None])
            labels.append(np.array([0]))
    found, copies, _ = _compared(paths, boxes, labels, folder)
    blamed = found.kind[0::2] > 0
    odd = np.array([number % 2 == 1 for number in range(len(photographs))])
    is_copy = np.isin(np.arange(len(photographs)), copies)
    print(
        "| object moved with its box, in pairs that pass as copies: blamed | "
        f"{int((blamed & ~odd & is_copy).sum())} of {int((~odd & is_copy).sum())} |"
    )
    print(
        "| box moved alone: named | "
        f"{int((blamed & odd & is_copy).sum())} of {int((odd & is_copy).sum())} |"
    )


def _pasted(
    picture: np.ndarray, patch: np.ndarray, place: np.ndarray, size: np.ndarray
) -> np.ndarray:
    drawn = picture.copy()
    width, height = np.rint(size * SIDE).astype(int).tolist()
    left, top = np.rint(place * SIDE).astype(int).tolist()
    small = cv2.resize(patch, (width, height), interpolation=cv2.INTER_AREA)
    drawn[top : top + height, left : left + width] = small
    return drawn


def _compared(
    paths: list[Path], boxes: list[np.ndarray], labels: list[np.ndarray], folder: Path
) -> tuple[Agreement, list[int], float]:
    """Scans the pictures; returns what copies say, and the pairs that are copies."""
    embedder = load_embedder()
    names = [os.fsencode(path) for path in paths]
    pictures = collect_scan_data(ScanInput(names), embedder, folder=folder / "cache")
    clusters = apply_thresholds(pictures).columns["dup_cluster"]
    numbers = range(len(paths) // 2)
    copies = [
        number
        for number in numbers
        if clusters[2 * number] is not None
        and clusters[2 * number] == clusters[2 * number + 1]
    ]
    every = np.concatenate(boxes)
    shares = np.concatenate([every[:, :2], every[:, 2:] - every[:, :2]], axis=1)
    picture = np.repeat(np.arange(len(paths)), [len(one) for one in boxes])
    counts = np.ones(len(every), bool)
    pairs = np.array([(2 * one + 1, 2 * one) for one in copies]).reshape(-1, 2)
    started = time.perf_counter()
    found = compare_copies(
        pictures,
        names,
        picture,
        shares,
        counts,
        pairs,
        open_store(folder / "cache", embedder),
        max_megapixels=64,
    )
    codes = np.concatenate(labels).astype(np.int64)
    result = agree(found, pairs, picture, len(paths), codes, counts)
    return result, copies, time.perf_counter() - started


def second_boxes(count: int = 1000) -> tuple[np.ndarray, np.ndarray]:
    """Returns boxes, and second ones whose edges are off by up to 3 % of a side."""
    random = np.random.default_rng(3)
    size = random.uniform(0.05, 0.4, (count, 2))
    low = random.uniform(0.02, 0.5, (count, 2))
    off = random.uniform(-0.03, 0.03, (count, 4)) * np.tile(size, 2)
    one = np.concatenate([low, size], axis=1)
    return one, one + np.concatenate([off[:, :2], off[:, 2:] - off[:, :2]], axis=1)


def _second_boxes() -> None:
    one, other = second_boxes()
    count = len(one)
    file, boxes = np.tile(np.arange(count), 2), np.concatenate([one, other])
    sizes = np.full((count, 2), 640, np.int32)
    nothing = np.zeros(2 * count, np.int64)
    for least in (0.85, 0.9):
        units = units_of(file, boxes, sizes)
        issues = box_issues(units, boxes, sizes, nothing, nothing, min_overlap=least)
        found = int(issues[:, BOX_ISSUES.index("duplicate")].sum())
        print(f"| second box, IoU {least} | {found} of {count} |")


if __name__ == "__main__":
    main()
