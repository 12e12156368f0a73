"""Which images are frames of one recording or burst, and in which order.

Names propose (``cam2/seq_000123.jpg``), or the times at which one camera took them;
looks decide, since numbered photographs are named as frames are. A person's field
needs no proof.

How alike neighbors are (cosine of the copy vectors of the built-in model), in seven
videos and thirteen folders of numbered photographs:

=============================================  ============  =============
series                                         median        surer than far
=============================================  ============  =============
videos, every frame and every half second      0.84 to 1.00  0.82 to 1.00
numbered photographs of one kind of thing      0.25 to 0.82  0.48 to 0.73
cells under one microscope                     0.87          0.71
=============================================  ============  =============

*Surer than far* is the chance that two neighbors are more alike than two images of the
series that are far apart. Frames two seconds apart of a fast camera (0.34, 0.68) cannot
be told from photographs.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone

import numpy as np
from numpy.typing import NDArray

from ..reading.split_names import is_split_name

NO_SEQUENCE = -1

FEWEST = 3
"""Images of a sequence."""

MOST_SECONDS = 2.0
"""Between two pictures of a burst."""

_SURELY_ALIKE = 0.9
_ALIKE = 0.8
_IN_ORDER = 0.8
"""Least chance that neighbors are more alike than others, for those less alike."""

_SOME_ORDER = 0.6
"""The same for very alike ones: in a folder of digits all images are."""

_ENOUGH = 10
_MANY = 30
"""Images from which on these chances say something."""

_COMPARED = 512
"""Neighbors of a sequence that are compared at most, evenly spread."""

_LEAST_REGULAR = 0.5
"""Share of the steps between numbers that are equal, within a tenth."""

_MOST_SHARED = 0.5
"""Share of a split's numbers that another split may have too, if both are parts of one
recording: more is two series that were numbered apart."""

_SLACK = 0.1
_MOST_DIGITS = 18
"""Of a number in a name; 64 bits hold as many."""

_DIGITS = b"0123456789"
_NUMBER = re.compile(rb"(\d+)(\D*)\Z")
_ROBOFLOW = re.compile(rb"[_.](?:jpe?g|png|bmp|webp)\.rf\.[0-9a-fA-F]+\Z")
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)

Codes = NDArray[np.int32]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Doubles = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Sequences:
    """The recording that each of n images is a frame of.

    Attributes:
        code: int32[n], row in ``names``; ``NO_SEQUENCE`` without
        place: int64[n], order in the sequence; equal for one moment
        step: float64[s], the usual difference of the places of neighbors
        names: of the s sequences, distinct
    """

    code: Codes
    place: Ints
    step: Doubles
    names: list[str]


@dataclass(frozen=True, eq=False)
class SequenceLeaks:
    """Recordings that lie in several splits.

    Attributes:
        leak: bool[n], another split holds a frame of the image's sequence
        steps: int64[s, s, 3], ``[a, b]`` images of split a whose sequence has a frame
            in split b: anywhere, at most two steps away, and at most one
    """

    leak: Bools
    steps: Ints


def no_sequences(count: int) -> Sequences:
    """Returns that n images are no frames."""
    return Sequences(
        np.full(count, NO_SEQUENCE, np.int32),
        np.zeros(count, np.int64),
        np.zeros(0),
        [],
    )


def sequences_by_name(paths: Sequence[bytes]) -> Sequences:
    """Groups files whose names differ in their last number only.

    Folders called like splits count as one folder, unless their files were numbered
    apart. A group needs :data:`FEWEST` files with mostly equal steps.

    Args:
        paths: absolute file paths
    """
    series, number, folder, parts = _parsed(paths)
    found = no_sequences(len(paths))
    kept: list[tuple[tuple[bytes, bytes, bytes], Ints, float]] = []
    for rows in _groups(series, number):
        for own in _numbered_together(rows, number[rows], folder[rows]):
            step = _usual_step(number[own])
            if step is not None:
                kept.append((parts[series[own[0]]], own, step))
    root = _common_folder([place for (place, _, _), _, _ in kept])
    names = _distinct([_series_name(root, *key) for key, _, _ in kept])
    for code, (_, rows, _) in enumerate(kept):
        found.code[rows], found.place[rows] = code, number[rows]
    return replace(found, step=np.array([step for *_, step in kept]), names=names)


def sequences_by_time(captured: Doubles, camera: Ints, path_rank: Ints) -> Sequences:
    """Groups pictures that one camera took with gaps below :data:`MOST_SECONDS`.

    Args:
        captured: float64[n], seconds since 1970 by the camera's clock; NaN without
        camera: int64[n], equal for pictures of one camera
        path_rank: int64[n], place of the path among all, sorted
    """
    found = no_sequences(len(captured))
    rows = np.flatnonzero(~np.isnan(captured))
    rows = rows[np.lexsort((path_rank[rows], captured[rows], camera[rows]))]
    new = (np.diff(camera[rows]) != 0) | (np.diff(captured[rows]) >= MOST_SECONDS)
    names: list[str] = []
    for own in np.split(rows, np.flatnonzero(new) + 1):
        if len(own) >= FEWEST:
            found.code[own], found.place[own] = len(names), np.arange(len(own))
            began = _EPOCH + timedelta(seconds=float(captured[own[0]]))
            names.append(f"burst of {began:%Y-%m-%d %H:%M:%S}")
    return replace(found, step=np.ones(len(names)), names=_distinct(names))


def sequences_by_field(
    code: Codes, names: Sequence[str], paths: Sequence[bytes], path_rank: Ints
) -> Sequences:
    """Takes the sequences that a field names, ordered by number, or else by path.

    Args:
        code: int32[n], row in ``names``; negative without
        names: values of the field
        paths: absolute file paths
        path_rank: int64[n], place of the path among all, sorted
    """
    _, number, _, _ = _parsed(paths)
    place, step = np.zeros(len(code), np.int64), np.ones(len(names))
    for rows in _groups(code.astype(np.int64), path_rank, fewest=1):
        usual = (
            _usual_step(np.sort(number[rows])) if (number[rows] >= 0).all() else None
        )
        place[rows] = np.arange(len(rows)) if usual is None else number[rows]
        step[code[rows[0]]] = usual or 1.0
    return Sequences(code, place, step, list(names))


def confirmed(
    proposed: Sequences, image: Codes, vectors: NDArray[np.floating]
) -> Sequences:
    """Returns those of the sequences whose neighbors are alike, as frames are.

    Args:
        proposed: by name or time
        image: int32[n], row in ``vectors``; negative for an image without
        vectors: i x d, unit copy vectors
    """
    code = np.full(len(image), NO_SEQUENCE, np.int32)
    kept: list[int] = []
    for rows in _groups(proposed.code.astype(np.int64), proposed.place):
        own = image[rows]
        if _are_frames(vectors, own[own >= 0]):
            code[rows] = len(kept)
            kept.append(int(proposed.code[rows[0]]))
    return Sequences(
        code,
        proposed.place,
        proposed.step[np.array(kept, np.int64)],
        [proposed.names[one] for one in kept],
    )


def joined(one: Sequences, other: Sequences) -> Sequences:
    """Returns both; an image of both stays in the first.

    What is left of the second may be fewer than :data:`FEWEST`: it is dropped.
    """
    left = np.where(one.code >= 0, NO_SEQUENCE, other.code)
    sizes = np.bincount(left[left >= 0], minlength=len(other.names))
    left = np.where(np.append(sizes, 0)[left] >= FEWEST, left, NO_SEQUENCE)
    more = left >= 0
    return Sequences(
        np.where(more, left + len(one.names), one.code).astype(np.int32),
        np.where(more, other.place, one.place),
        np.concatenate([one.step, other.step]),
        _distinct([*one.names, *other.names]),
    )


def find_sequence_leaks(
    sequences: Sequences, split: Codes, split_count: int
) -> SequenceLeaks:
    """Finds the recordings that lie in several splits.

    Args:
        sequences: of n images
        split: int32[n], negative without
        split_count: number of splits
    """
    leak = np.zeros(len(split), bool)
    steps = np.zeros((split_count, split_count, 3), np.int64)
    code = np.where(split >= 0, sequences.code, NO_SEQUENCE).astype(np.int64)
    for rows in _groups(code, sequences.place, fewest=2):
        place, own = sequences.place[rows], split[rows]
        step = sequences.step[code[rows[0]]]
        there = np.unique(own)
        if len(there) < 2:
            continue
        leak[rows] = True
        for b in there.tolist():
            far = _nearest(place, place[own == b]) / step
            for a in there[there != b].tolist():
                here = own == a
                within = [(far[here] <= most + _SLACK).sum() for most in (2, 1)]
                steps[a, b] += [here.sum(), *within]
    return SequenceLeaks(leak, steps)


def _parsed(
    paths: Sequence[bytes],
) -> tuple[Ints, Ints, Ints, list[tuple[bytes, bytes, bytes]]]:
    """Returns series, number and folder of each path, and what makes each series.

    A path without a number has -1 for both. Series come in the order of the paths.
    """
    folders: dict[bytes, tuple[int, bytes]] = {}
    series_of: dict[tuple[bytes, bytes, bytes], int] = {}
    series, number, folder = (np.full(len(paths), -1, np.int64) for _ in range(3))
    for row, path in enumerate(paths):
        place, _, name = _slashed(path).rpartition(b"/")
        prefix, digits, suffix = _parts(_stem(name))
        if not digits or len(digits) > _MOST_DIGITS:
            continue
        known = folders.get(place)
        if known is None:
            known = folders[place] = len(folders), _without_splits(place)
        folder[row], neutral = known
        key = neutral, prefix, suffix
        series[row] = series_of.setdefault(key, len(series_of))
        number[row] = int(digits)
    return series, number, folder, list(series_of)


def _slashed(path: bytes) -> bytes:
    return path.replace(b"\\", b"/") if os.sep == "\\" else path


def _stem(name: bytes) -> bytes:
    """Returns a name without its suffix, and without what Roboflow adds."""
    stem, _, suffix = name.rpartition(b".")
    if not stem or suffix.isdigit():
        return name
    return _ROBOFLOW.sub(b"", stem) if b".rf." in stem else stem


def _parts(stem: bytes) -> tuple[bytes, bytes, bytes]:
    """Returns what is before the last number of a name, the number, what is after."""
    prefix = stem.rstrip(_DIGITS)
    if len(prefix) < len(stem):
        return prefix, stem[len(prefix) :], b""
    found = _NUMBER.search(stem)
    if found is None:
        return stem, b"", b""
    return stem[: found.start()], found[1], found[2]


def _without_splits(folder: bytes) -> bytes:
    return b"/".join(
        b"*" if is_split_name(part.decode("utf-8", "replace")) else part
        for part in folder.split(b"/")
    )


def _groups(code: Ints, place: Ints, fewest: int = FEWEST) -> Iterator[Ints]:
    """Yields the rows of each code that is not negative, by place."""
    rows = np.flatnonzero(code >= 0)
    rows = rows[np.lexsort((rows, place[rows], code[rows]))]
    for own in np.split(rows, np.flatnonzero(np.diff(code[rows])) + 1):
        if len(own) >= max(1, fewest):
            yield own


def _numbered_together(rows: Ints, number: Ints, folder: Ints) -> Iterator[Ints]:
    """Yields the rows of a series, folder by folder if each was numbered apart."""
    places = np.unique(folder)
    if len(places) > 1:
        pairs = np.unique(np.stack([number, folder], axis=1), axis=0)
        again = np.unique(pairs[:, 0], return_counts=True)[1] > 1
        fewest = min((pairs[:, 1] == place).sum() for place in places)
        if again.sum() > _MOST_SHARED * fewest:
            for place in places:
                yield rows[folder == place]
            return
    yield rows


def _usual_step(number: Ints) -> float | None:
    """Returns the difference of most neighbors; None if there is none.

    Args:
        number: int64[n], ascending
    """
    step: Doubles = np.diff(np.unique(number)).astype(np.float64)
    if len(step) < FEWEST - 1:
        return None
    values, counts = np.unique(step, return_counts=True)
    # Frames are numbered with one step, times with nearly one
    for usual in (float(values[counts.argmax()]), float(np.median(step))):
        if (np.abs(step - usual) <= _SLACK * usual).mean() >= _LEAST_REGULAR:
            return usual
    return None


def _are_frames(vectors: NDArray[np.floating], images: Codes) -> bool:
    """Returns whether images in this order look like frames."""
    count = len(images)
    if count < FEWEST:
        return False
    first = np.unique(np.linspace(0, count - 2, min(count - 1, _COMPARED)).astype(int))
    near = _likeness(vectors, images[first], images[first + 1])
    typical = float(np.median(near))
    if count < _ENOUGH:
        return typical >= _SURELY_ALIKE
    far = np.concatenate(
        [
            _likeness(vectors, images[first], images[(first + count // part) % count])
            for part in (2, 3)
        ]
    )
    below = np.searchsorted(np.sort(far), near, "left")
    upto = np.searchsorted(np.sort(far), near, "right")
    order = float((below + upto).mean() / (2 * len(far)))
    if typical >= _SURELY_ALIKE:
        return count < _MANY or order >= _SOME_ORDER
    return typical >= _ALIKE and order >= _IN_ORDER


def _likeness(vectors: NDArray[np.floating], one: Codes, other: Codes) -> Doubles:
    product = vectors[one].astype(np.float32) * vectors[other].astype(np.float32)
    total: Doubles = product.sum(axis=1, dtype=np.float64)
    return total


def _nearest(place: Ints, among: Ints) -> Ints:
    """Returns how far the nearest of some ascending places is from each."""
    after = np.minimum(np.searchsorted(among, place), len(among) - 1)
    before = np.maximum(after - 1, 0)
    far: Ints = np.minimum(np.abs(among[after] - place), np.abs(among[before] - place))
    return far


def _common_folder(folders: Sequence[bytes]) -> list[bytes]:
    parts = [folder.split(b"/") for folder in dict.fromkeys(folders)]
    if len(parts) < 2:
        # Of one folder the name is kept
        return parts[0][:-1] if parts else []
    return list(os.path.commonprefix(parts))


def _series_name(
    root: Sequence[bytes], folder: bytes, prefix: bytes, suffix: bytes
) -> str:
    inside = [part for part in folder.split(b"/")[len(root) :] if part != b"*"]
    file = prefix + b"#" + suffix if prefix + suffix else b""
    name = b"/".join(part for part in (*inside, file) if part)
    return name.decode("utf-8", "backslashreplace") or "#"


def _distinct(names: Sequence[str]) -> list[str]:
    """Returns the names, those that are there already with a number behind."""
    taken: dict[str, int] = {}
    result: dict[str, None] = {}
    for name in names:
        unique = name
        while unique in result:
            taken[name] = taken.get(name, 1) + 1
            unique = f"{name} ({taken[name]})"
        result[unique] = None
    return list(result)
