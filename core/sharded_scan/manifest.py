"""The list of a job's images: parquet, CSV, text, a folder, or tar files.

One row an image: ``path``, and if there are any ``split``, ``label``, ``sequence`` (the
recording that it is a frame of), ``bytes`` and ``etag``. A path is local, a URL, or
``shard.tar::member``; one that is not absolute lies beside the manifest.
"""

from __future__ import annotations

import csv
import io
import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from ..common.texts import PackedTexts
from ..common.writable import expanded
from ..errors import InputError
from ..reading.folders import list_images
from .remote import arrow, file_system, is_url
from .sources import MEMBER

ROWS_A_SHARD = 5_000
"""Half a minute of a core: so much is done again where a machine is lost."""

_COLUMNS = ("path", "split", "label", "sequence", "bytes", "etag")
_STAMPS = ("bytes", "etag")
_TABLES, _TARS = (".parquet", ".csv", ".txt"), (".tar",)
_RANGE = re.compile(r"\{(\d+)\.\.(\d+)\}")
_KINDS = (
    "a .parquet, .csv or .txt file, a .tar file, or a folder of either or of images"
)


@dataclass(frozen=True, eq=False)
class ListedShard:
    """Images that one task reads.

    Attributes:
        tar: a tar file that holds them; "" for those that are listed
        locators: of the images; empty for a tar file, which lists them itself
        splits: names, None without
        labels: names, None without
        sequences: names of recordings, None without
        stamps: what changes when an image does, as far as the manifest says
    """

    tar: str
    locators: PackedTexts
    splits: Sequence[str | None]
    labels: Sequence[str | None]
    sequences: Sequence[str | None]
    stamps: PackedTexts


@dataclass(frozen=True)
class Manifest:
    """What a job reads.

    Attributes:
        address: as it was named
        shards: in the order of the manifest
    """

    address: str
    shards: Sequence[ListedShard]

    @property
    def listed(self) -> int:
        """How many images are listed; those of tar files are not known yet."""
        return sum(len(shard.locators) for shard in self.shards)


def read_manifest(address: str) -> Manifest:
    """Reads a manifest.

    Raises:
        InputError: it is not there, cannot be read, or lists no two images
    """
    if not is_url(address):
        address = str(expanded(address).absolute())
    shards = [shard for file in _files(address) for shard in _shards(file)]
    manifest = Manifest(address, shards)
    if not any(shard.tar for shard in shards) and manifest.listed < 2:
        raise InputError(
            f"The manifest '{address}' lists {manifest.listed} images. Winnow compares "
            "images with each other: list at least 2."
        )
    return manifest


def _files(address: str) -> Iterator[str]:
    """Yields the files of a manifest, and the folder if it holds images."""
    found = _RANGE.search(address)
    if found:
        width = len(found[1])
        for number in range(int(found[1]), int(found[2]) + 1):
            yield from _files(
                f"{address[: found.start()]}{number:0{width}}{address[found.end() :]}"
            )
        return
    if address.lower().endswith((*_TABLES, *_TARS)):
        yield address
        return
    names = _listed(address)
    inside = [name for name in names if name.lower().endswith((".parquet", *_TARS))]
    if inside:
        yield from (f"{address.rstrip('/')}/{name}" for name in inside)
    elif is_url(address):
        raise InputError(
            f"'{address}' holds no .parquet and no .tar file. MANIFEST is {_KINDS}; "
            "list images behind a URL in a file."
        )
    else:
        yield address


def _listed(address: str) -> list[str]:
    """Returns the names in a folder, sorted."""
    if not is_url(address):
        folder = Path(address)
        if not folder.is_dir():
            what = "is no manifest" if folder.exists() else "is not there"
            raise InputError(f"'{address}' {what}. MANIFEST is {_KINDS}.")
        return sorted(os.listdir(folder))
    system, path = file_system(address)
    try:
        return sorted(one.rpartition("/")[2] for one in system.ls(path, detail=False))
    # Each file system has errors of its own
    except Exception as error:
        raise _unreadable(address, error) from error


def _shards(file: str) -> Iterator[ListedShard]:
    lowered = file.lower()
    if lowered.endswith(_TARS):
        nothing = PackedTexts(())
        yield ListedShard(file, nothing, (), (), (), nothing)
        return
    if not lowered.endswith(_TABLES):
        yield from _of_folder(file)
        return
    names, count, columns_of = _table(file, _bytes(file))
    if "path" not in names:
        there = ", ".join(names) or "none"
        raise InputError(
            f"The manifest '{file}' has no column 'path' (it has: {there}). Name the "
            "column with the images' paths or URLs 'path'."
        )
    # A part at a time: as Python objects all of it would take many times as much
    for start in range(0, count, ROWS_A_SHARD):
        columns = columns_of(slice(start, start + ROWS_A_SHARD))
        paths = columns["path"]
        none: list[Any] = [None] * len(paths)
        stamps = [columns[name] for name in _STAMPS if name in columns]
        splits, labels, sequences = (
            [_name(value) for value in columns.get(name, none)]
            for name in ("split", "label", "sequence")
        )
        yield _shard(
            [_locator(file, start + row, path) for row, path in enumerate(paths)],
            splits,
            labels,
            sequences,
            [repr(row).encode() for row in zip(*stamps, strict=True)],
        )


def _of_folder(folder: str) -> Iterator[ListedShard]:
    images = list_images(folder).images
    for start in range(0, len(images), ROWS_A_SHARD):
        some = images[start : start + ROWS_A_SHARD]
        yield _shard(
            [os.fsencode(image.path) for image in some],
            [_name(image.split) for image in some],
            [_name(image.label) for image in some],
            [None] * len(some),
            [],
        )


def _shard(
    locators: Sequence[bytes],
    splits: Sequence[str | None],
    labels: Sequence[str | None],
    sequences: Sequence[str | None],
    stamps: Sequence[bytes],
) -> ListedShard:
    return ListedShard(
        "",
        PackedTexts.of(locators),
        splits,
        labels,
        sequences,
        PackedTexts.of(stamps),
    )


def _bytes(file: str) -> bytes:
    try:
        if not is_url(file):
            return Path(file).read_bytes()
        system, path = file_system(file)
        return bytes(system.cat_file(path))
    except InputError:
        raise
    # Each file system has errors of its own
    except Exception as error:
        raise _unreadable(file, error) from error


_Columns: TypeAlias = Mapping[str, Sequence[Any]]
_Table: TypeAlias = tuple[Sequence[str], int, Callable[[slice], _Columns]]
"""Names of the columns, number of rows, and what gives those of some rows."""


def _table(file: str, data: bytes) -> _Table:
    """Returns the columns that a manifest may have."""
    if file.lower().endswith(".parquet"):
        return _of_parquet(file, data)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _unreadable(file, error) from error
    if file.lower().endswith(".txt"):
        lines = [line for line in text.splitlines() if line.strip()]
        return ["path"], len(lines), lambda some: {"path": lines[some]}
    reader = csv.reader(io.StringIO(text, newline=""))
    header = [name.strip() for name in next(reader, [])]
    rows = [row for row in reader if row]
    for number, row in enumerate(rows):
        if len(row) != len(header):
            raise InputError(
                f"The manifest '{file}' has {len(row)} values in row {number + 1} and "
                f"{len(header)} columns. Quote values that hold a comma."
            )

    def columns_of(some: slice) -> _Columns:
        return {
            name: [row[place] for row in rows[some]]
            for place, name in enumerate(header)
        }

    return header, len(rows), columns_of


def _of_parquet(file: str, data: bytes) -> _Table:
    pa = arrow()
    try:
        parquet = pa.parquet.ParquetFile(io.BytesIO(data))
        names = parquet.schema_arrow.names
        known = [name for name in _COLUMNS if name in names]
        table = parquet.read(columns=known)
    except (pa.ArrowException, OSError) as error:
        raise _unreadable(file, error) from error

    def columns_of(some: slice) -> _Columns:
        part = table.slice(some.start, some.stop - some.start)
        return {name: part[name].to_pylist() for name in known}

    return names, table.num_rows, columns_of


def _locator(file: str, row: int, path: Any) -> bytes:
    if not isinstance(path, str) or not path.strip():
        raise InputError(
            f"The manifest '{file}' has no path in row {row + 1}, but {path!r}. Each "
            "row names an image."
        )
    if not (is_url(path) or Path(path).is_absolute()):
        path = f"{file.rpartition('/')[0]}/{path}"
    if not is_url(path) and MEMBER not in path:
        path = os.path.normpath(path)
    return os.fsencode(path)


def _name(value: Any) -> str | None:
    # One text for all rows that have it
    return None if value is None or value == "" else sys.intern(str(value))


def _unreadable(file: str, error: Exception) -> InputError:
    reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return InputError(
        f"The manifest '{file}' cannot be read ({reason}). MANIFEST is {_KINDS}."
    )
