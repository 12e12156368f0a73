"""Which images may be frames of one recording: by their names, times, or a field.

Names propose (``cam2/seq_000123.jpg``), or the times at which one camera took them;
looks decide (:mod:`.sequence_proof`), since numbered photographs are named as frames
are. A person's field needs no proof.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import numpy as np
from numpy.typing import NDArray

from ..reading.split_names import is_split_name
from .sequences import FEWEST, Sequences, distinct_names, no_sequences, rows_by_code

MOST_SECONDS = 2.0
"""Between two pictures of a burst."""

_LEAST_REGULAR = 0.5
"""Share of the steps between numbers that are equal, within a tenth."""

_EQUAL_STEPS = 0.1

_MOST_SHARED = 0.5
"""Share of a split's numbers that another split may have too, if both are parts of one
recording: more is two series that were numbered apart."""

_MOST_DIGITS = 18
"""Of a number in a name; 64 bits hold as many."""

_DIGITS = b"0123456789"
_NUMBER = re.compile(rb"(\d+)(\D*)\Z")
_ROBOFLOW = re.compile(rb"[_.](?:jpe?g|png|bmp|webp)\.rf\.[0-9a-fA-F]+\Z")
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)

Codes = NDArray[np.int32]
Ints = NDArray[np.int64]
Doubles = NDArray[np.float64]


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
    for rows in rows_by_code(series, number):
        for own in _numbered_together(rows, number[rows], folder[rows]):
            step = _usual_step(number[own])
            if step is not None:
                kept.append((parts[series[own[0]]], own, step))
    root = _common_folder([place for (place, _, _), _, _ in kept])
    names = distinct_names([_series_name(root, *key) for key, _, _ in kept])
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
    return replace(found, step=np.ones(len(names)), names=distinct_names(names))


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
    for rows in rows_by_code(code.astype(np.int64), path_rank, fewest=1):
        usual = (
            _usual_step(np.sort(number[rows])) if (number[rows] >= 0).all() else None
        )
        place[rows] = np.arange(len(rows)) if usual is None else number[rows]
        step[code[rows[0]]] = usual or 1.0
    return Sequences(code, place, step, list(names))


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
        if (np.abs(step - usual) <= _EQUAL_STEPS * usual).mean() >= _LEAST_REGULAR:
            return usual
    return None


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
