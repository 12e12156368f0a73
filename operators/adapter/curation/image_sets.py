"""Sets of images, or of videos, that are compared: data sets, views and folders."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import fiftyone as fo

from ....core.errors import InputError
from ....core.models.registry import DEFAULT_MODEL
from ....core.reading.folders import FolderListing, list_images, path_inside
from ....core.reading.split_names import is_split_name
from ..dataset.internals import dataset_of
from ..dataset.samples import flat_view, is_of_videos, read_samples
from ..runs.run_record import finished_runs


@dataclass(frozen=True, eq=False)
class ImageSet:
    """n images, or n videos, by path.

    Attributes:
        name: of the data set, or the folder
        paths: as the file system spells them, sorted
        splits: the split of each, or None
        ids: of the samples; None for a folder
        dataset: that holds the samples; None for a folder
        root: of a folder
        of_videos: they are videos
    """

    name: str
    paths: list[bytes]
    splits: list[str | None]
    ids: list[str] | None = None
    dataset: fo.Dataset | None = None
    root: Path | None = None
    of_videos: bool = False

    def shown(self, row: int) -> str:
        """Returns the path as a person reads it; of a folder, inside it."""
        path = os.fsdecode(self.paths[row])
        if self.root is not None:
            path = path_inside(path, self.root)
        return os.fsencode(path).decode("utf-8", "backslashreplace")


def image_set(source: Any, split_by: str | Sequence[str] | None = None) -> ImageSet:
    """Returns the images or videos of a data set, a view, or what a text names.

    Args:
        source: a data set, a view, the name of a data set, a folder, or what
            :func:`folder_set` made of one
        split_by: what names the splits of a data set, as for the scan; None for
            what its last scan knew, else for tags such as train and test

    Raises:
        InputError: there is no such thing, or it holds no images and no videos
    """
    if isinstance(source, ImageSet):
        return source
    if isinstance(source, str | os.PathLike):
        name = os.fspath(source)
        if fo.dataset_exists(name):
            return _of_samples(fo.load_dataset(name), split_by)
        if Path(name).expanduser().is_dir():
            return folder_set(list_images(name, at_least=1))
        raise InputError(
            f"'{name}' is neither a FiftyOne data set nor a folder. Data sets here: "
            f"{', '.join(fo.list_datasets()) or 'none'}."
        )
    return _of_samples(source, split_by)


def folder_set(listing: FolderListing) -> ImageSet:
    """Returns the images or videos of a folder that was listed."""
    images = sorted(listing.images, key=lambda image: os.fsencode(image.path))
    return ImageSet(
        listing.root.name,
        [os.fsencode(image.path) for image in images],
        [image.split for image in images],
        root=listing.root,
        of_videos=listing.of_videos,
    )


def without_samples(images: ImageSet, ids: Sequence[str]) -> ImageSet:
    """Returns a set without some samples."""
    gone = set(ids)
    assert images.ids is not None
    rows = [row for row, sample in enumerate(images.ids) if sample not in gone]
    return replace(
        images,
        paths=[images.paths[row] for row in rows],
        splits=[images.splits[row] for row in rows],
        ids=[images.ids[row] for row in rows],
    )


def likely_model(sets: Sequence[ImageSet]) -> str:
    """Returns the model that one of the sets was scanned with, or the default."""
    for images in sets:
        if images.dataset is not None:
            for run in finished_runs(images.dataset).values():
                if run.settings.get("embeddings") is None:
                    return str(run.settings["model"])
    return DEFAULT_MODEL


def _of_samples(
    samples: fo.core.collections.SampleCollection,
    split_by: str | Sequence[str] | None,
) -> ImageSet:
    view = flat_view(samples, at_least=1)
    ids, paths = view.values(["id", "filepath"])
    splits = _splits(view, split_by)
    coded = [os.fsencode(path) for path in paths]
    order = sorted(range(len(ids)), key=lambda row: (coded[row], ids[row]))
    return ImageSet(
        dataset_of(view).name,
        [coded[row] for row in order],
        [splits[row] for row in order],
        [ids[row] for row in order],
        dataset_of(view),
        of_videos=is_of_videos(view),
    )


def _splits(
    view: fo.DatasetView, split_by: str | Sequence[str] | None
) -> list[str | None]:
    if split_by is not None:
        table = read_samples(view, split_by=split_by)
        assert table.splits is not None
        names = [*table.split_names, None]
        return [names[code] for code in table.splits.tolist()]
    # What is known anyway may name a single split, such as a benchmark's
    known = [run.split_by for run in finished_runs(dataset_of(view)).values()]
    found = next((one for one in known if one is not None), None)
    if isinstance(found, str) and view.has_field(found):
        return list(view.values(found))
    tags = found if isinstance(found, list) else None
    return [
        next(
            (tag for tag in own or () if (tag in tags if tags else is_split_name(tag))),
            None,
        )
        for own in view.values("tags")
    ]
