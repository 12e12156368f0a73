"""A scan's data as a file, so that thresholds can be moved without the images."""

from __future__ import annotations

import contextlib
import json
import os
import types
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, TypeVar, get_args, get_type_hints

import numpy as np
from numpy.typing import NDArray

from ..errors import StaleRunError
from .scan_data import ScanData

_VERSION = 42
"""Raise it when a class that is stored has other records:
:class:`~core.scan.scan_data.ScanData`, or ``core.objects.collect.ObjectData``."""

_DAMAGE = (
    OSError,
    ValueError,
    KeyError,
    EOFError,
    RuntimeError,  # and NotImplementedError: what zipfile says of odd headers
    zipfile.BadZipFile,
    zlib.error,
)
_VALUES = "others"
_SCANS_ASKED = 30
_LEAST_SHARE = 10
"""One in so many of the files must be known: less saves nothing."""

Record = TypeVar("Record")


def save_scan_data(scan_data: ScanData, path: Path) -> None:
    """Writes the data; a reader sees the old file or the new, whole."""
    save_record(scan_data, path)


def load_scan_data(path: Path) -> ScanData:
    """Reads what :func:`save_scan_data` wrote.

    Raises:
        StaleRunError: it is gone, damaged or of another version
    """
    return load_record(ScanData, path)


def most_alike(folder: Path, digests: NDArray[np.uint8]) -> ScanData | None:
    """Returns the stored scan, of whatever data set, that knows most of these files.

    None where none of the newest knows one in ten.

    Args:
        folder: of files that :func:`save_scan_data` wrote, and of others
        digests: uint8[i, 32], of the files
    """
    wanted = _as_words(digests)
    known: list[tuple[int, Path]] = []
    for path in _newest_first(folder)[:_SCANS_ASKED]:
        # Opened here: np.load leaves a damaged file open
        with (
            contextlib.suppress(*_DAMAGE),
            path.open("rb") as file,
            np.load(file, allow_pickle=False) as stored,
        ):
            shared = np.isin(wanted, _as_words(stored["files.digest"])).sum()
            known.append((int(shared), path))
    # Of equals the newest, which comes first
    for shared, path in sorted(known, key=lambda one: -one[0]):
        if shared * _LEAST_SHARE < max(len(wanted), 1):
            break
        with contextlib.suppress(StaleRunError):
            return load_scan_data(path)
    return None


def _newest_first(folder: Path) -> list[Path]:
    times = {}
    for path in folder.glob("*.npz"):
        # Another process may remove it meanwhile
        with contextlib.suppress(OSError):
            times[path] = path.stat().st_mtime_ns
    return sorted(times, key=lambda path: (-times[path], path.name))


def _as_words(digests: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """Returns the first eight bytes of each: numbers are sorted much faster."""
    return np.ascontiguousarray(digests[:, :8]).view(np.uint64)[:, 0]


def save_record(record: Any, path: Path) -> None:
    """Writes a dataclass of arrays, values of JSON and other such dataclasses.

    A reader sees the old file or the new, whole.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    parts = dict(_parts(record))
    arrays: dict[str, Any] = {
        name: part for name, part in parts.items() if isinstance(part, np.ndarray)
    }
    values = {name: part for name, part in parts.items() if name not in arrays}
    text = json.dumps({"version": _VERSION, **values})
    arrays[_VALUES] = np.frombuffer(text.encode(), np.uint8)
    part = path.with_suffix(f".{os.getpid()}.part")
    with part.open("wb") as file:
        np.savez(file, **arrays)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def load_record(kind: type[Record], path: Path) -> Record:
    """Reads what :func:`save_record` wrote.

    Raises:
        StaleRunError: it is gone, damaged or of another version
    """
    try:
        # Opened here: np.load leaves a damaged file open
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            values = json.loads(stored[_VALUES].tobytes())
            if values.pop("version") != _VERSION:
                raise _stale("was written by another version of Winnow")
            arrays = {name: stored[name] for name in stored.files if name != _VALUES}
            return _record(kind, {**values, **arrays})
    except FileNotFoundError:
        raise _stale("is no longer there") from None
    except _DAMAGE as error:
        raise _stale("cannot be read") from error


def _parts(record: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yields the arrays and values of nested records, such as ``samples.labels``."""
    for field in fields(record):
        part, name = getattr(record, field.name), prefix + field.name
        if is_dataclass(part):
            yield from _parts(part, f"{name}.")
        else:
            yield name, part


def _record(kind: type[Record], parts: Mapping[str, Any], prefix: str = "") -> Record:
    """Puts nested records together again; one that is absent was None."""
    made = {}
    for field, hint in get_type_hints(kind).items():
        name = prefix + field
        nested = next((one for one in _kinds(hint) if is_dataclass(one)), None)
        if nested is None or name in parts:
            made[field] = parts[name]
        else:
            made[field] = _record(nested, parts, f"{name}.")
    return kind(**made)


def _kinds(hint: Any) -> tuple[type[Any], ...]:
    """Returns the types of a union, or the one type."""
    return get_args(hint) if isinstance(hint, types.UnionType) else (hint,)


def _stale(what: str) -> StaleRunError:
    return StaleRunError(
        f"What the last scan stored for moving thresholds {what}. Scan again: "
        "the embeddings are kept, so it is quick."
    )
