"""The files of a fastdup work_dir: read, and written as fastdup 2.54 does.

``atrain_features.dat`` holds little-endian float32, one vector after the other;
``atrain_features.dat.csv`` the number and name of each, in the same order. Files
that could not be read have a number too, which no vector follows.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from .rules import Components, Edges

FEATURES = "atrain_features.dat"
IMAGES = "atrain_features.dat.csv"
BAD_IMAGES = "atrain_features.bad.csv"
SIMILARITY = "similarity.csv"
OUTLIERS = "outliers.csv"
COMPONENTS = "connected_components.csv"
COMPONENT_INFO = "component_info.csv"
CONFIG = "config.json"

_FLOAT = np.dtype("<f4")
_ROWS_A_WRITE = 4096
_STATISTICS = ("mean", "min", "max")


@dataclass(frozen=True, eq=False)
class WorkDir:
    """What fastdup extracted from n images.

    Attributes:
        names: of the n images, as fastdup spelled them
        vectors: float32[n, d], mapped from the file, of any length
        unreadable: why an image has no vector, by its name
        input_dir: that fastdup was given; None if it was not recorded
    """

    names: list[str]
    vectors: NDArray[np.float32]
    unreadable: dict[str, str]
    input_dir: str | None


def read_work_dir(folder: Path) -> WorkDir:
    """Reads the features and the list of images.

    Raises:
        InputError: no work_dir of fastdup, or one that does not fit together
    """
    listing, features = folder / IMAGES, folder / FEATURES
    if not listing.is_file() or not features.is_file():
        raise InputError(
            f"{folder} is no work_dir of fastdup: it holds no {FEATURES} with its "
            f"{IMAGES}. Name the folder that fastdup.run was given as work_dir."
        )
    names = [line["filename"] for line in _lines(listing, "filename")]
    size = features.stat().st_size
    dims, rest = divmod(size, _FLOAT.itemsize * max(len(names), 1))
    if not names or not dims or rest:
        raise InputError(
            f"{features} holds {size:,} bytes, which is not one vector for each of "
            f"the {len(names):,} images in {IMAGES}. Run fastdup again."
        )
    vectors = np.memmap(features, _FLOAT, "r", shape=(len(names), dims))
    bad, unreadable = folder / BAD_IMAGES, {}
    if bad.is_file():
        unreadable = {
            line["filename"]: line["error_code"]
            for line in _lines(bad, "filename", "error_code")
        }
    return WorkDir(names, vectors, unreadable, _input_dir(folder / CONFIG))


def write_features(
    folder: Path,
    names: Sequence[str],
    numbers: NDArray[np.int64],
    vectors: Iterable[NDArray[np.floating]],
) -> None:
    """Writes the features, block by block, and the list of their images.

    Args:
        folder: exists
        names: of n images
        numbers: int64[n], the number of each among all, the unreadable too
        vectors: blocks of the n vectors, in the same order
    """
    with (folder / FEATURES).open("wb") as file:
        for block in vectors:
            for start in range(0, len(block), _ROWS_A_WRITE):
                part = block[start : start + _ROWS_A_WRITE]
                file.write(np.ascontiguousarray(part, _FLOAT).tobytes())
    rows = zip(numbers.tolist(), names, strict=True)
    _write(folder / IMAGES, ("index", "filename"), rows)


def write_unreadable(folder: Path, bad: Iterable[tuple[int, str, str, int]]) -> None:
    """Writes the images without a vector: number, name, reason, bytes."""
    header = ("index", "filename", "error_code", "filesize")
    _write(folder / BAD_IMAGES, header, bad)


def write_edges(path: Path, edges: Edges, names: Sequence[str]) -> None:
    """Writes similarity.csv or outliers.csv, in the order of the edges.

    Args:
        path: of the file
        edges: between rows
        names: of the rows
    """
    rows = (
        (names[a], names[b], f"{similarity:.6f}")
        for a, b, similarity in zip(
            edges.source.tolist(),
            edges.target.tolist(),
            edges.similarity.tolist(),
            strict=True,
        )
    )
    _write(path, ("from", "to", "distance"), rows)


def write_components(
    folder: Path, found: Components, numbers: NDArray[np.int64]
) -> None:
    """Writes connected_components.csv and component_info.csv.

    Args:
        folder: exists
        found: of all numbers, the unreadable too: as in fastdup, they use up a
            component and have no line
        numbers: int64[n], of the images that have a line
    """
    texts = [
        (str(count), f"{mean:.6f}", f"{least:.6f}", f"{most:.6f}")
        for count, mean, least, most in zip(
            found.count.tolist(),
            found.mean.tolist(),
            found.least.tolist(),
            found.most.tolist(),
            strict=True,
        )
    ]
    component = found.component[numbers].tolist()
    of_image = (
        (number, own, *texts[own])
        for number, own in zip(numbers.tolist(), component, strict=True)
    )
    header = ("__id", "component_id", "count", *(f"{s}_distance" for s in _STATISTICS))
    _write(folder / COMPONENTS, header, of_image)
    linked = np.flatnonzero(found.count).tolist()
    of_component = ((number, *texts[number]) for number in linked)
    header = ("component_id", "count", *_STATISTICS)
    _write(folder / COMPONENT_INFO, header, of_component)


def write_config(folder: Path, config: Mapping[str, Any]) -> None:
    """Writes config.json, the arguments of the run."""
    text = json.dumps(dict(config), indent=4)
    (folder / CONFIG).write_text(text, encoding="utf-8")


def _input_dir(path: Path) -> str | None:
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    found = config.get("input_dir") if isinstance(config, dict) else None
    return found if isinstance(found, str) and found else None


def _lines(path: Path, *columns: str) -> Iterator[dict[str, str]]:
    with _opened(path, "r") as file:
        lines = csv.DictReader(file)
        missing = [name for name in columns if name not in (lines.fieldnames or ())]
        if missing:
            raise InputError(
                f"{path} has no column '{missing[0]}', so it is not the list of "
                "images that fastdup writes. Run fastdup again."
            )
        for line in lines:
            # None stands under a column for which the line is too short
            if None in (line[name] for name in columns):
                raise InputError(f"{path} ends in the middle of a line. Run it again.")
            yield line


def _write(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    with _opened(path, "w") as file:
        lines = csv.writer(file, lineterminator="\n")
        lines.writerow(header)
        lines.writerows(rows)


@contextmanager
def _opened(path: Path, mode: str) -> Iterator[Any]:
    # Names of files need not be UTF-8
    with open(path, mode, encoding="utf-8", errors="surrogateescape", newline="") as f:
        yield f
