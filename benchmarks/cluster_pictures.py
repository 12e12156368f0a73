"""Makes many small pictures of some: `cluster_pictures.py PICTURES COUNT FOLDER`.

Crops of 48 to 64 pixels, each of another place of a picture, in JPEG files, a thousand
a folder; one in a hundred is there twice, the second time as PNG. Beside them a
manifest, `images.parquet`, with splits by chance and two classes, bright and dark.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import cv2
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from core.reading.folders import list_images  # noqa: E402

_LEAST, _MOST = 48, 64
_COPIED = 100
_A_FOLDER = 1000
_BRIGHT = 110


def main() -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pictures")
    parser.add_argument("count", type=int)
    parser.add_argument("folder", type=Path)
    options = parser.parse_args()
    sources = sorted(str(one.path) for one in list_images(options.pictures).images)
    rows = []
    for number in range(options.count):
        if number % len(sources) == 0:
            rng = np.random.default_rng(number)
        picture = cv2.imread(sources[number % len(sources)])
        crop = cropped(picture, number // len(sources), rng)
        folder = options.folder / f"{number // _A_FOLDER:04d}"
        folder.mkdir(parents=True, exist_ok=True)
        names = [f"{number:07d}.jpg"]
        if number % _COPIED == 0:
            names.append(f"{number:07d}.png")
        label = "bright" if crop.mean() > _BRIGHT else "dark"
        for name in names:
            cv2.imwrite(str(folder / name), crop)
            split = "test" if rng.random() < 0.2 else "train"
            rows.append((f"{folder.name}/{name}", split, label))
    names = ("path", "split", "label")
    columns = dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))
    pq.write_table(pa.table(columns), options.folder / "images.parquet")
    print(f"{len(rows):,} pictures in {options.folder}")


def cropped(picture: np.ndarray, turn: int, rng: np.random.Generator) -> np.ndarray:
    """Returns a crop from the turn-th of four quarters, so that no two overlap much."""
    height, width = (side // 2 for side in picture.shape[:2])
    side = int(rng.integers(_LEAST, _MOST + 1))
    top = (turn // 2 % 2) * height + int(rng.integers(0, max(1, height - side)))
    left = (turn % 2) * width + int(rng.integers(0, max(1, width - side)))
    return picture[top : top + side, left : left + side]


if __name__ == "__main__":
    main()
