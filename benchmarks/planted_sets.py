"""Sets of pictures with a problem of the whole set in them, at several strengths."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

SPLITS = ("train", "test")
QUALITY = 90
"""Of the JPEGs in which nothing is planted."""

_TEST_SHARE = 1 / 3

Change = Callable[[Image.Image], Image.Image]


def same(picture: Image.Image) -> Image.Image:
    return picture


def darker(share: float) -> Change:
    return lambda picture: picture.point(lambda level: int(level * share))


def coarser(share: float) -> Change:
    def change(picture: Image.Image) -> Image.Image:
        small = picture.resize([round(side * share) for side in picture.size])
        return small.resize(picture.size)

    return change


def warmer(share: float) -> Change:
    """Another white balance, as another camera has."""

    def change(picture: Image.Image) -> Image.Image:
        red, green, blue = picture.split()
        red = red.point(lambda level: min(255, int(level * (1 + share))))
        blue = blue.point(lambda level: int(level * (1 - share)))
        return Image.merge("RGB", (red, green, blue))

    return change


def framed(width: int) -> Change:
    def change(picture: Image.Image) -> Image.Image:
        right, bottom = (side - 1 for side in picture.size)
        ImageDraw.Draw(picture).rectangle((0, 0, right, bottom), outline=0, width=width)
        return picture

    return change


def marked(picture: Image.Image) -> Image.Image:
    ImageDraw.Draw(picture).text((6, 6), "(c) photo", fill=(255, 255, 255))
    return picture


@dataclass(frozen=True)
class Plant:
    """A problem of a set.

    Attributes:
        name: what a person would call it
        kind: the finding it is: "imbalance", "label shift", "split" (its pictures
            differ from those of the other) or "class" (it has a property of its own);
            empty for none
        share: of the test split's, or of one class's pictures, that are changed or,
            for the first two kinds, taken out
        change: of a picture
        how: ``q``, the quality of its JPEG, or ``type``, the ending of its file
        shuffle: a number for labels and splits that go with nothing; 0 for the true
    """

    name: str
    kind: str = ""
    share: float = 1
    change: Change = same
    how: dict[str, Any] = field(default_factory=dict)
    shuffle: int = 0


NOTHING = Plant("nothing", share=0)
SHUFFLED = "nothing, labels and splits shuffled"
PLANTS: Sequence[Plant] = (
    NOTHING,
    Plant("a class half as large", "imbalance", 0.5),
    Plant("a class a fifth as large", "imbalance", 0.8),
    Plant("a class a tenth as large", "imbalance", 0.9),
    Plant("a class a twentieth as large", "imbalance", 0.95),
    Plant("test lacks 20 % of a class", "label shift", 0.2),
    Plant("test lacks 40 % of a class", "label shift", 0.4),
    Plant("test lacks 80 % of a class", "label shift", 0.8),
    Plant("test darker by 5 %", "split", change=darker(0.95)),
    Plant("test darker by 20 %", "split", change=darker(0.8)),
    Plant("test darker by 50 %", "split", change=darker(0.5)),
    Plant("half of test darker by 50 %", "split", 0.5, darker(0.5)),
    Plant("test warmer by 5 %", "split", change=warmer(0.05)),
    Plant("test warmer by 15 %", "split", change=warmer(0.15)),
    Plant("test re-encoded, quality 70", "split", how={"q": 70}),
    Plant("test re-encoded, quality 30", "split", how={"q": 30}),
    Plant("test of half the resolution", "split", change=coarser(0.5)),
    Plant("border, 2 of 150 pixels", "class", change=framed(2)),
    Plant("border, 5 of 150 pixels", "class", change=framed(5)),
    Plant("border, 5 of 150 pixels, on half", "class", 0.5, framed(5)),
    Plant("watermark", "class", change=marked),
    Plant("file type png", "class", how={"type": ".png"}),
    Plant("file type png, of half", "class", 0.5, how={"type": ".png"}),
    Plant("quality 30", "class", how={"q": 30}),
    Plant("darker by 20 %", "class", change=darker(0.8)),
    *(Plant(SHUFFLED, share=0, shuffle=number) for number in range(1, 7)),
)


@dataclass(frozen=True)
class PlantedSet:
    """Files of a set.

    Attributes:
        paths: of its pictures, by name
        labels: of each
        splits: of each, as a place in :data:`SPLITS`
    """

    paths: list[str]
    labels: list[str]
    splits: list[int]


def planted_set(
    folder: Path, source: Sequence[Path], plant: Plant, seed: int
) -> PlantedSet:
    """Writes the pictures of a set.

    Of one seed all sets have the same splits, and the same files but for what is
    planted.

    Args:
        folder: for the pictures: those that all sets share, and a folder a plant
        source: photographs in folders of classes; it is planted in the first of them
        plant: what is planted
        seed: of the splits and of what is changed
    """
    random = np.random.default_rng([seed, plant.shuffle])
    splits = random.random(len(source)) < _TEST_SHARE
    labels = [path.parent.name for path in source]
    chance = random.random(len(source))
    first = np.array(labels) == min(labels)
    within = {"split": splits, "label shift": splits & first}.get(plant.kind, first)
    touched = within & (chance < plant.share)
    left_out = touched & (plant.kind in ("imbalance", "label shift"))
    if plant.shuffle:
        labels = random.permutation(labels).tolist()
    own = folder / plant.name.replace("%", "percent")
    paths = []
    for path, changed in zip(source, touched & ~left_out, strict=True):
        ending = plant.how.get("type", ".jpg") if changed else ".jpg"
        place = own if changed else folder / "shared"
        target = place / f"{path.parent.name}-{path.stem}{ending}"
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            quality = plant.how.get("q", QUALITY) if changed else QUALITY
            picture = Image.open(path).convert("RGB")
            (plant.change(picture) if changed else picture).save(
                target, quality=quality
            )
        paths.append(str(target))
    rows = np.flatnonzero(~left_out).tolist()
    return PlantedSet(
        [paths[row] for row in rows],
        [labels[row] for row in rows],
        splits[rows].astype(int).tolist(),
    )
