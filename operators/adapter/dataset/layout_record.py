"""Remembers with a folder's data set which splits and labels its folders gave.

So that they can follow when the folders are understood otherwise, without taking
back what a person changed since.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass

import fiftyone as fo

from ....core.reading.folders import FolderListing
from ....core.reading.layout_remarks import Folder

_KEY = "folders"
_MOST = 50_000
"""Folders that are recorded; a document of the database holds 16 MB."""


@dataclass(frozen=True)
class GivenThen:
    """What a sample's folder may have given it at the last run.

    Attributes:
        splits: names of splits; None for none
        labels: likewise
    """

    splits: frozenset[str | None]
    labels: frozenset[str | None]


def changed_places(
    dataset: fo.Dataset, listing: FolderListing
) -> Callable[[Folder], GivenThen] | None:
    """Returns what each folder gave at the last run; None if that is the same now."""
    record = dataset.info.get(_KEY)
    if record is not None and record["digest"] == _digest(listing):
        return None
    known = {
        tuple(path.split("/")): GivenThen(frozenset([split]), frozenset([label]))
        for path, split, label in (record or {}).get("places") or []
    }

    def given(folder: Folder) -> GivenThen:
        for end in range(len(folder), 0, -1):
            if folder[:end] in known:
                return known[folder[:end]]
        # An earlier Winnow, or too many folders: what is called like one of the
        # sample's own folders came from there
        return GivenThen(frozenset([None, *folder]), frozenset([None, *folder]))

    return given


def record_layout(dataset: fo.Dataset, listing: FolderListing) -> None:
    """Remembers what the folders give now."""
    places = _places(listing)
    dataset.info[_KEY] = {
        "digest": _digest(listing),
        "places": places if len(places) <= _MOST else None,
    }
    dataset.save()


def _digest(listing: FolderListing) -> str:
    text = json.dumps(_places(listing))
    return hashlib.sha256(text.encode()).hexdigest()


def _places(listing: FolderListing) -> list[list[str | None]]:
    """Returns path, split and label of each folder, as far as it says something."""
    places = {
        "/".join(folder[: len(place.levels) or None]): [place.split, place.label]
        for folder, place in sorted(listing.layout.places.items())
    }
    return [[path, *given] for path, given in places.items() if path and _is_text(path)]


def _is_text(path: str) -> bool:
    # What is not UTF-8 the database does not hold, and no sample lies there
    return path.isascii() or not any("\udc80" <= one <= "\udcff" for one in path)
