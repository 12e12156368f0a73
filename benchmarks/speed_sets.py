"""Makes the sets of speed.md: speed_sets.py PHOTOS OUT [--distinct FOLDER...]

Sizes are made by cutting and resizing, so no picture is better than its photograph;
what reading costs depends on the size of the file and of the picture, not on that.
What comparing costs depends on how alike they are: of a few photographs many cuttings
are all look-alikes. The sets called distinct hold each picture of the folders once,
whole.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

SUFFIXES = (".jpg", ".jpeg")
U8 = npt.NDArray[np.uint8]
LOOK_ALIKE_SOURCES = 59
QUALITY, LARGE_QUALITY = 92, 94
LEAST_SIDE = 384
"""Pixels of the shorter side of what is made 480 pixels tall."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photos", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--distinct", type=Path, nargs="+", default=[])
    asked = parser.parse_args()
    make_cuttings(asked.photos, asked.out)
    if asked.distinct:
        make_distinct(asked.distinct, asked.out)


def pictures_in(folders: Sequence[Path]) -> list[Path]:
    return sorted(
        path
        for folder in folders
        for path in folder.rglob("*")
        if path.suffix.lower() in SUFFIXES
    )


def make_distinct(folders: Sequence[Path], out: Path) -> None:
    """Makes sets of pictures that are all different, drawn from some folders."""
    paths = pictures_in(folders)
    drawn = [paths[i] for i in np.random.default_rng(0).permutation(len(paths))]

    def pictures(least_side: int) -> Iterator[U8]:
        every = (read(path) for path in drawn)
        return (one for one in every if min(one.shape[:2]) >= least_side)

    def next_resized(some: Iterator[U8], size: tuple[int, int]) -> U8:
        shrunk = cv2.resize(next(some), size, interpolation=cv2.INTER_AREA)
        return np.asarray(shrunk, np.uint8)

    small, large = pictures(0), pictures(LEAST_SIDE)
    random = np.random.default_rng(0)
    make(out / "32px-distinct", 10_000, lambda: next_resized(small, (32, 32)))
    make(out / "640x480-distinct", 2_000, lambda: next_resized(large, (640, 480)))
    largest = pictures(LEAST_SIDE)
    make(
        out / "12mp-distinct", 200, lambda: noisy(next(largest), random), LARGE_QUALITY
    )


def make_cuttings(photos: Path, out: Path) -> None:
    """Makes sets of cuttings of a few photographs."""
    paths = pictures_in([photos])
    random = np.random.default_rng(0)

    def any_photo() -> U8:
        return read(paths[random.integers(len(paths))])

    def look_alike() -> U8:
        return read(paths[random.integers(LOOK_ALIKE_SOURCES)])

    make(out / "32px", 10_000, lambda: cut(any_photo(), 0.6, (32, 32), random))
    make(out / "640x480", 2_000, lambda: cut(any_photo(), 0.6, (640, 480), random))
    make(out / "look-alikes", 2_500, lambda: cut(look_alike(), 0.5, (640, 480), random))
    make(out / "12mp", 200, lambda: noisy(any_photo(), random), LARGE_QUALITY)


def make(
    home: Path, count: int, picture: Callable[[], U8], quality: int = QUALITY
) -> None:
    home.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        settings = [cv2.IMWRITE_JPEG_QUALITY, quality]
        cv2.imwrite(str(home / f"{number:05}.jpg"), picture(), settings)


def read(path: Path) -> U8:
    return np.asarray(cv2.imread(str(path)), np.uint8)


def cut(
    picture: U8, least: float, size: tuple[int, int], random: np.random.Generator
) -> U8:
    """Returns a cutting of at least this share of either side, resized."""
    height, width = picture.shape[:2]
    share = random.uniform(least, 1)
    tall, wide = int(height * share), int(width * share)
    top, left = random.integers(height - tall + 1), random.integers(width - wide + 1)
    part = picture[top : top + tall, left : left + wide]
    return np.asarray(cv2.resize(part, size, interpolation=cv2.INTER_AREA), np.uint8)


def noisy(picture: U8, random: np.random.Generator) -> U8:
    """Returns a picture of 12 megapixels, with the noise of a sensor."""
    large = cv2.resize(picture, (4_000, 3_000), interpolation=cv2.INTER_CUBIC)
    return cv2.add(large, random.integers(0, 12, large.shape, np.uint8))


if __name__ == "__main__":
    main()
