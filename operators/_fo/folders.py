"""Keeps a folder of images as a data set: splits as tags, classes as labels."""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass
from pathlib import Path

import fiftyone as fo
import fiftyone.core.media as fom
from fiftyone import ViewField as F

from ...core.actions.quarantine import is_quarantined
from ...core.folders import FolderListing, ImageFile
from .present import GONE_TAG, present

LABEL_FIELD = "ground_truth"


@dataclass(frozen=True)
class FolderData:
    """A folder's data set.

    Attributes:
        dataset: persistent, named after the folder
        view: the samples whose files are in the folder now
        gone: samples whose files are gone; they stay, tagged ``file gone``
        not_held: path -> status of files that FiftyOne cannot hold as images
    """

    dataset: fo.Dataset
    view: fo.DatasetView
    gone: int
    not_held: dict[str, str]


def load_folder(listing: FolderListing, *, progress: bool | None = None) -> FolderData:
    """Brings the folder's data set up to date; removes no sample."""
    name = dataset_name(listing.root)
    if fo.dataset_exists(name):
        dataset = fo.load_dataset(name)
    else:
        dataset = fo.Dataset(name, persistent=True)
        dataset.info["root"] = str(listing.root)
        dataset.save()
    not_held = {
        image.path: status
        for image in listing.images
        if (status := _why_not_held(image.path)) is not None
    }
    held = {image.path: image for image in listing.images if image.path not in not_held}
    known = dict(zip(*dataset.values(["filepath", "id"]), strict=True))
    added = [image for path, image in held.items() if path not in known]
    if added:
        dataset.add_samples(
            (_sample(image) for image in added),
            num_samples=len(added),
            progress=progress,
        )
    # Files that an action put elsewhere are not gone
    inside = os.path.join(listing.root, "")
    gone = [
        sample
        for path, sample in known.items()
        if path not in held and path.startswith(inside) and not is_quarantined(path)
    ]
    dataset.match_tags(GONE_TAG).untag_samples(GONE_TAG)
    if gone:
        dataset.select(gone).tag_samples(GONE_TAG)
    view = present(dataset.match(F("filepath").starts_with(inside)))
    return FolderData(dataset, view, len(gone), not_held)


def dataset_name(root: Path) -> str:
    """Returns the name of a folder's data set, one a path."""
    slug = re.sub(r"[^A-Za-z0-9._-]+", "-", root.name).strip("-") or "images"
    digest = hashlib.sha256(os.fsencode(root)).hexdigest()[:8]
    return f"winnow-{slug[:60]}-{digest}"


def label_field_of(listing: FolderListing) -> str | None:
    """Returns the label field of the folder's data set, if it has classes."""
    return LABEL_FIELD if any(image.label for image in listing.images) else None


def split_tags_of(listing: FolderListing) -> list[str] | None:
    """Returns the tags that name the folder's splits, if it has two or more."""
    return listing.splits if len(listing.splits) > 1 else None


def _why_not_held(path: str) -> str | None:
    """Returns the status of a file that cannot be a sample, else None."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return "bad_name"
    # By the suffix: a data set of images refuses what FiftyOne calls unknown
    return None if fom.get_media_type(path) == fom.IMAGE else "unsupported"


def _sample(image: ImageFile) -> fo.Sample:
    label = fo.Classification(label=image.label) if image.label else None
    tags = [image.split] if image.split else []
    return fo.Sample(filepath=image.path, tags=tags, **{LABEL_FIELD: label})
