"""Where images are written so that a scan of the folder reads them as they were.

``split/class/file``, as :mod:`core.reading.folders` reads it. What a folder cannot say
in that way is said in words, never written as something else.
"""

from __future__ import annotations

import os
import re
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ..reading.layouts import understand
from ..reading.split_names import NO_SPLIT_FOLDER, is_split_name

_UNSAFE = re.compile(r"[/\\\x00-\x1f\x7f]|^[.\s]+|[.\s]+$")
"""What a folder's name cannot hold, here or on another system; hidden ones are not
read."""

# By Microsoft's "Naming Files, Paths, and Namespaces"
_UNSAFE_ON_WINDOWS = re.compile(r'[<>:"|?*]')
_RESERVED_ON_WINDOWS = re.compile(
    r"(con|prn|aux|nul|(com|lpt)[0-9\u00b9\u00b2\u00b3])(\..*)?",
    re.DOTALL | re.IGNORECASE,
)

_BETWEEN_LETTERS = re.compile(r"[\W\d_]+")

_LONGEST = 80
"""Characters of a folder's name: at most four bytes each, and a number, fit 255."""

_LONGEST_FILE = 255
"""Bytes of a file's name on common systems."""

Place = tuple[str, ...]


@dataclass(frozen=True)
class ClassFolders:
    """Where n images go.

    Attributes:
        paths: of each image, relative
        renamed: class or split -> its folder, where that has another name
        misread: images that a scan of the folder would put into another split or
            class than they are in, or into none
    """

    paths: list[str]
    renamed: Mapping[str, str]
    misread: int


def class_folders(
    names: Sequence[str],
    splits: Sequence[str | None],
    labels: Sequence[str | None],
    platform: str = sys.platform,
) -> ClassFolders:
    """Lays out images by split and class.

    An image without a label lies in its split's folder, one without a split in its
    class's folder; beside splits that is in a folder for those in none.

    Args:
        names: of the files
        splits: of the images; None for those in none
        labels: of the images; None for those without
        platform: as in ``sys.platform``: Windows forbids more names
    """
    on_windows = platform == "win32"
    split_folder = _folder_names(splits, on_windows, may_be_splits=True)
    label_folder = _folder_names(labels, on_windows, may_be_splits=False)

    beside_splits = any(split is not None for split in splits)
    places: list[Place] = []
    wanted = []
    for split, label in zip(splits, labels, strict=True):
        outer = None if split is None else split_folder[split]
        inner = None if label is None else label_folder[label]
        wanted.append((outer, inner))
        if outer is None and inner is not None and beside_splits:
            outer = NO_SPLIT_FOLDER
        places.append(tuple(name for name in (outer, inner) if name is not None))
    read = _read_back(places)
    misread = sum(
        read[place] != want for place, want in zip(places, wanted, strict=True)
    )
    folders = {**split_folder, **label_folder}
    renamed = {word: folder for word, folder in folders.items() if word != folder}
    return ClassFolders(_file_names(names, places), renamed, misread)


def _read_back(
    places: Sequence[Place],
) -> dict[Place, tuple[str | None, str | None]]:
    """Returns the split and the class that a scan of the folders would see."""
    read = understand(Counter(places)).places
    return {place: (read[place].split, read[place].label) for place in read}


def _folder_names(
    words: Iterable[str | None], on_windows: bool, *, may_be_splits: bool
) -> dict[str, str]:
    """Returns a folder's name for each word, the word itself where it can be."""
    names: dict[str, str] = {}
    distinct = {word for word in words if word is not None}
    taken: set[str] = set()

    def safe(word: str) -> str:
        name = _UNSAFE.sub("_", word)[:_LONGEST] or "_"
        if on_windows:
            name = _UNSAFE_ON_WINDOWS.sub("_", name)
            name += "_" * bool(_RESERVED_ON_WINDOWS.fullmatch(name))
        if not may_be_splits and is_split_name(name):
            # One word, which no reader takes for "train" or "test"
            return "class" + _BETWEEN_LETTERS.sub("", name).lower()
        return name

    # Those that keep their names come first, so that none is taken from them
    for word in sorted(distinct, key=lambda word: (safe(word) != word, word)):
        names[word] = _free(safe(word), taken)
    return names


def _file_names(names: Sequence[str], places: Sequence[Place]) -> list[str]:
    taken: dict[Place, set[str]] = {}
    for place in set(places):
        for level in range(len(place)):
            taken.setdefault(place[:level], set()).add(place[level].casefold())
    return [
        os.path.join(*place, _free(_shown(name), taken.setdefault(place, set())))
        for name, place in zip(names, places, strict=True)
    ]


def _shown(name: str) -> str:
    """Returns the name of a file that a scan of the folder does not pass over."""
    return f"_{name}" if name.startswith(".") else name


def _free(name: str, taken: set[str]) -> str:
    """Returns the name, or the next one that is not taken, and takes it.

    Names that differ in case only are one file on many systems.
    """
    stem, suffix = os.path.splitext(name)
    free, number = name, 2
    while free.casefold() in taken:
        end = f"-{number}{suffix}"
        start = os.fsencode(stem)[: _LONGEST_FILE - len(os.fsencode(end))]
        free, number = start.decode(errors="ignore") + end, number + 1
    taken.add(free.casefold())
    return free
