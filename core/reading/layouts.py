"""Which folders name splits and which name classes.

Knows names and counts only; :mod:`core.reading.folders` reads the disk. Folders are
tuples of names below the root, outermost first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from .layout_choices import (
    ANY,
    CLASS,
    FLAT,
    Choices,
    Place,
    places_by_pattern,
    with_classes,
)
from .layout_names import folder_tree, folders_alike, places_by_names
from .layout_remarks import (
    Folder,
    remarks_on_alike,
    remarks_on_classes,
    remarks_on_nested,
)


@dataclass(frozen=True)
class Layout:
    """How the folders were understood, and why a person may see it otherwise.

    Attributes:
        places: of each folder that holds images
        patterns: pattern such as ``split/class`` -> images, the most first
        alike: folder with images -> the folder above it that is called like a split
            but was not taken for one
        remarks: what a person should know, a sentence each
    """

    places: Mapping[Folder, Place]
    patterns: Mapping[str, int]
    alike: Mapping[Folder, Folder] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()


def understand(folders: Mapping[Folder, int], choices: Choices | None = None) -> Layout:
    """Finds out which folders name splits and classes.

    A level holds splits if two of its folders or more are called like some and they
    are half of its folders or of its images; their siblings are then splits of their
    own. Below them, or where there are none, the first level whose names say
    something holds the classes.

    Args:
        folders: those that hold images -> how many
        choices: what a person says of them

    Raises:
        InputError: a choice that fits no folder
    """
    choices = choices or Choices()
    root = folder_tree(folders)
    if choices.layout is not None:
        places = places_by_pattern(folders, choices.layout, choices.splits)
        remarks: list[str] = []
    else:
        places, remarks = places_by_names(folders, root, choices)
    if choices.classes is not None:
        # With a pattern they only say which of its classes count
        fixed = choices.layout is not None
        places = with_classes(places, choices.classes, only_found=fixed)
    places = _one_spelling(places)
    alike = folders_alike(places, root)
    patterns: Counter[str] = Counter()
    for folder, count in folders.items():
        patterns["/".join(places[folder].levels) or FLAT] += count
    # Whoever said it otherwise needs no advice
    advise = choices == Choices()
    found = (place.label for place in places.values() if place.label is not None)
    remarks += [
        *remarks_on_alike(alike.values(), root.names_below, advise),
        *remarks_on_classes(found),
        *(_nested(places) if advise else ()),
    ]
    return Layout(places, dict(patterns.most_common()), alike, tuple(remarks))


def _nested(places: Mapping[Folder, Place]) -> Iterator[str]:
    """Remarks on what lies below the classes."""
    inner: dict[str, set[str]] = {}
    layouts: Counter[str] = Counter()
    for folder, place in places.items():
        if place.label is None:
            continue
        below = inner.setdefault(place.label, set())
        if len(folder) > len(place.levels):
            below.add(folder[len(place.levels)])
            outer = (ANY if one == CLASS else one for one in place.levels)
            layouts["/".join((*outer, CLASS))] += 1
    for layout, _ in layouts.most_common(1):
        deep = {label: names for label, names in inner.items() if names}
        yield from remarks_on_nested(deep, len(inner), layout)


def _one_spelling(places: Mapping[Folder, Place]) -> dict[Folder, Place]:
    """Gives splits that differ in case only one name, the one that comes first."""
    spelling: dict[str, str] = {}
    result = {}
    for folder in sorted(places):
        place = places[folder]
        split = place.split
        if split is not None:
            split = spelling.setdefault(split.casefold(), split)
        result[folder] = Place(split, place.label, place.levels)
    return result
