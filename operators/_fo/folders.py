"""Loads a folder of images as a data set: splits as tags, classes as labels."""

from __future__ import annotations

import hashlib
import os
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import fiftyone as fo

from ...core.errors import InputError
from .progress import ProgressOption

LABEL_FIELD = "ground_truth"

_DECODED = ".jpg .jpeg .jpe .jfif .png .webp .gif .bmp .dib .tif .tiff"
# Listed all the same, so that the scan can say why they have no findings
_NOT_DECODED = (
    ".heic .heif .avif .jp2 .j2k .jxl .psd .svg .ico .tga .ppm .pgm .pbm "
    ".raw .cr2 .cr3 .nef .arw .dng .eps"
)
_IMAGE_SUFFIXES = frozenset(f"{_DECODED} {_NOT_DECODED}".split())
_SPLIT = re.compile(
    r"(train|val|valid|validation|test|eval|dev|holdout)([ _-]?(set|data|split))?",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class ImageFile:
    """A file that looks like an image by its name.

    Attributes:
        path: absolute
        split: name of the split's folder, or None
        label: name of the class's folder, or None
    """

    path: str
    split: str | None
    label: str | None


@dataclass(frozen=True)
class FolderListing:
    """What a folder holds.

    Attributes:
        root: the folder, absolute
        images: sorted by path
        splits: names of the splits, in the order of their folders
        ignored: how many other files there are, by suffix
        unnameable: files whose names are not UTF-8, which FiftyOne cannot hold
    """

    root: Path
    images: list[ImageFile]
    splits: list[str]
    ignored: Counter[str]
    unnameable: list[str]


def list_images(folder: str | os.PathLike[str]) -> FolderListing:
    """Lists a folder's images with their splits and classes.

    Layouts: ``split/class/files``, ``class/files`` and flat. Hidden folders
    and links to folders are not entered.

    Raises:
        InputError: no such folder, or no images in it
    """
    root = Path(folder).expanduser()
    if not root.is_dir():
        what = "is a file, not a folder" if root.exists() else "does not exist"
        raise InputError(
            f"The folder '{root}' {what}. Give the folder that holds the images."
        )
    root = root.resolve()
    first_level = sorted(entry.name for entry in root.iterdir() if entry.is_dir())
    splits = [name for name in first_level if is_split_name(name)]
    images, ignored, unnameable = [], Counter[str](), []
    for path in _files(str(root)):
        suffix = os.path.splitext(path)[1].lower()
        if suffix not in _IMAGE_SUFFIXES:
            ignored[suffix or "no suffix"] += 1
        elif not _is_unicode(path):
            unnameable.append(path)
        else:
            parts = Path(path).relative_to(root).parts[:-1]
            split = parts[0] if parts and parts[0] in splits else None
            classes = parts[1:] if split else parts
            images.append(ImageFile(path, split, classes[0] if classes else None))
    if not images:
        other = sum(ignored.values())
        raise InputError(
            f"There are no images in '{root}' ({other:,} other files). Winnow looks "
            "for names such as .jpg, .png, .webp, .gif, .bmp and .tif."
        )
    used = {image.split for image in images}
    return FolderListing(
        root, images, [name for name in splits if name in used], ignored, unnameable
    )


def load_folder(
    listing: FolderListing, *, progress: ProgressOption = None
) -> tuple[fo.Dataset, int]:
    """Returns the folder's data set, adding the images it does not hold yet.

    The data set is persistent and named after the folder. Samples whose file
    is gone stay: the scan reports them as missing.

    Returns:
        the data set, and how many samples were added
    """
    name = dataset_name(listing.root)
    if fo.dataset_exists(name):
        dataset = fo.load_dataset(name)
    else:
        dataset = fo.Dataset(name, persistent=True)
        dataset.info["root"] = str(listing.root)
        dataset.save()
    known = set(dataset.values("filepath"))
    added = [image for image in listing.images if image.path not in known]
    if added:
        dataset.add_samples(
            (_sample(image) for image in added),
            num_samples=len(added),
            progress=progress if isinstance(progress, bool) else None,
        )
    return dataset, len(added)


def dataset_name(root: Path) -> str:
    """Returns the name of a folder's data set, one a path."""
    slug = re.sub(r"[^A-Za-z0-9._-]+", "-", root.name).strip("-") or "images"
    digest = hashlib.sha256(os.fsencode(root)).hexdigest()[:8]
    return f"winnow-{slug[:60]}-{digest}"


def is_split_name(name: str) -> bool:
    """True for train, val, test and the like, with or without ``_set``."""
    return _SPLIT.fullmatch(name) is not None


def label_field_of(listing: FolderListing) -> str | None:
    """Returns the label field of the folder's data set, if it has classes."""
    return LABEL_FIELD if any(image.label for image in listing.images) else None


def split_tags_of(listing: FolderListing) -> list[str] | None:
    """Returns the tags that name the folder's splits, if it has two or more."""
    return listing.splits if len(listing.splits) > 1 else None


def describe(listing: FolderListing) -> str:
    """Returns a sentence on what the folder holds, for a person."""
    classes = {image.label for image in listing.images if image.label}
    parts = [f"{len(listing.images):,} images in {listing.root}"]
    if listing.splits:
        parts.append("splits: " + ", ".join(listing.splits))
    if classes:
        parts.append(f"{len(classes):,} classes")
    other = sum(listing.ignored.values())
    if other:
        parts.append(f"{other:,} other files left alone")
    return "; ".join(parts)


def _sample(image: ImageFile) -> fo.Sample:
    label = fo.Classification(label=image.label) if image.label else None
    tags = [image.split] if image.split else []
    return fo.Sample(filepath=image.path, tags=tags, **{LABEL_FIELD: label})


def _files(root: str) -> Iterator[str]:
    for folder, subfolders, names in os.walk(root):
        subfolders[:] = sorted(name for name in subfolders if name[0] != ".")
        for name in sorted(names):
            if name[0] != ".":
                yield os.path.join(folder, name)


def _is_unicode(path: str) -> bool:
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True
