"""What a picture or its file is like, beside what it shows.

A model may learn any of these in place of the content, if they go with the label.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..copy_detection.signature import brightness_of
from ..reading.image_statistics import column, sharpness

Floats = NDArray[np.float32]

_FLAT_SPREAD = 2.0
"""Gray levels: a side whose outermost line varies less is a border."""

_FEWEST_OF_VALUE = 10
_MOST_VALUES = 20
"""Of folders or file types, the commonest: each is a property of its own."""

_SAME_TYPE = {"jpeg": "jpg", "jpe": "jpg", "tiff": "tif"}


@dataclass(frozen=True, eq=False)
class Properties:
    """Numbers on r images that should not say what they show.

    Attributes:
        names: what each column is, for a person: "brightness", "file type png"
        kinds: of each column: "look" of the picture, which classes may well differ in;
            "made", a trait of how it was made; "type" of its file; "folder"; "origin",
            of its metadata; "field" of the data set
        values: float32[r, p]
    """

    names: list[str]
    kinds: list[str]
    values: Floats


@dataclass(frozen=True, eq=False)
class Background:
    """What is known of i images beside their files.

    Attributes:
        captured: float64[i], when it was taken, NaN without
        camera: uint32[i], equal for pictures of one camera; 0 without
        fields: name -> i values, numbers or texts; None without
    """

    captured: NDArray[np.float64]
    camera: NDArray[np.uint32]
    fields: Mapping[str, Sequence[Any]]

    def of(self, rows: NDArray[np.int64]) -> Background:
        """Returns that of some images."""
        chosen = rows.tolist()
        fields = {
            name: [values[row] for row in chosen]
            for name, values in self.fields.items()
        }
        return Background(self.captured[rows], self.camera[rows], fields)


def image_properties(
    statistics: Floats,
    signatures: NDArray[np.uint8],
    file_bytes: NDArray[np.int64],
    paths: Sequence[bytes],
    own_words: Collection[str],
    background: Background,
) -> Properties:
    """Gathers the properties of r images.

    Args:
        statistics: float32[r, s], see :mod:`core.reading.image_statistics`
        signatures: uint8[r, q], see :func:`core.copy_detection.signatures`
        file_bytes: int64[r]
        paths: of the files
        own_words: names of classes and splits, which say nothing new as folders
        background: of the r images
    """
    gray = brightness_of(signatures)
    width, height = column(statistics, "width"), column(statistics, "height")
    pixels = np.maximum(width * height, 1)
    looks = {
        "brightness": gray.mean(axis=(1, 2), dtype=np.float32),
        "contrast": column(statistics, "contrast"),
        "sharpness": sharpness(statistics),
        "color": column(statistics, "chroma"),
        "compression": file_bytes / pixels,
    }
    made = {
        "image size": pixels,
        "aspect ratio": width / np.maximum(height, 1),
        "border": _flat_sides(gray),
    }
    columns = [
        *(("look", name, column) for name, column in looks.items()),
        *(("made", name, column) for name, column in made.items()),
        *_each_value("type", "file type", [_file_type(path) for path in paths]),
        *_each_value("folder", "folder", _folders(paths, own_words)),
        *_number("origin", "date taken", background.captured),
        *_each_value("origin", "camera", _cameras(background.camera)),
        *(one for field in background.fields.items() for one in _of_field(*field)),
    ]
    used = [one for one in columns if one[2].min() < one[2].max()]
    values = np.zeros((len(paths), len(used)), np.float32)
    for place, (_, _, numbers) in enumerate(used):
        values[:, place] = numbers
    return Properties(
        [name for _, name, _ in used], [kind for kind, _, _ in used], values
    )


def _each_value(
    kind: str, name: str, texts: Sequence[str]
) -> list[tuple[str, str, NDArray[Any]]]:
    """Returns a column for each common text: where it stands."""
    return [
        (kind, f"{name} {value}", np.array([text == value for text in texts]))
        for value in _common(texts)
    ]


def _number(
    kind: str, name: str, values: NDArray[np.float64]
) -> list[tuple[str, str, NDArray[Any]]]:
    """Returns a column of numbers, and one of where there are none, if known of some.

    Where it is not known stands the median, which tells nothing.
    """
    known = np.isfinite(values)
    if known.sum() < _FEWEST_OF_VALUE:
        return []
    filled = np.where(known, values, np.median(values[known]))
    # Seconds since 1970 are more than single precision holds
    ranks = np.unique(filled, return_inverse=True)[1].reshape(-1)
    columns: list[tuple[str, str, NDArray[Any]]] = [(kind, name, ranks)]
    if (~known).sum() >= _FEWEST_OF_VALUE:
        columns.append((kind, f"{name} is known", known))
    return columns


def _cameras(codes: NDArray[np.uint32]) -> list[str]:
    """Names cameras by how many pictures they took: "no. 1" took most."""
    counts = Counter(code for code in codes.tolist() if code)
    often = sorted(counts, key=lambda code: (-counts[code], code))
    name = {code: f"no. {place}" for place, code in enumerate(often, 1)}
    return [name.get(code, "") for code in codes.tolist()]


def _of_field(name: str, values: Sequence[Any]) -> list[tuple[str, str, NDArray[Any]]]:
    """Returns the columns of a field: of numbers one, of texts one for each."""
    if any(isinstance(value, (str, bool)) for value in values):
        texts = ["" if value is None else str(value) for value in values]
        return _each_value("field", name, texts)
    numbers = [np.nan if value is None else float(value) for value in values]
    return _number("field", name, np.array(numbers))


def _flat_sides(gray: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Returns how many of the four sides end in one gray level."""
    edges = (gray[:, 0], gray[:, -1], gray[:, :, 0], gray[:, :, -1])
    spread = np.stack([edge.std(axis=1, dtype=np.float32) for edge in edges])
    sides: NDArray[np.int64] = (spread < _FLAT_SPREAD).sum(axis=0)
    return sides


def _folders(paths: Sequence[bytes], own_words: Collection[str]) -> list[str]:
    """Returns the folder of each file, without what all share and what is known."""
    known = {word.lower() for word in own_words}
    parts = [os.fsdecode(path).replace("\\", "/").split("/")[:-1] for path in paths]
    shared = len(os.path.commonprefix(parts))
    return [
        "/".join(part for part in own[shared:] if part.lower() not in known)
        for own in parts
    ]


def _file_type(path: bytes) -> str:
    ending = os.fsdecode(os.path.splitext(path)[1]).lower().removeprefix(".")
    return _SAME_TYPE.get(ending, ending)


def _common(texts: Sequence[str]) -> list[str]:
    counts = Counter(text for text in texts if text)
    if len(counts) == 2 and len(texts) == counts.total():
        # The one is where the other is not
        del counts[max(counts, key=lambda text: (counts[text], text))]
    often = sorted(counts, key=lambda text: (-counts[text], text))[:_MOST_VALUES]
    return [text for text in often if counts[text] >= _FEWEST_OF_VALUE]
