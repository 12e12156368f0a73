"""Lists a folder of images: which split and which class each file is in."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from .errors import InputError

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
        left_alone: how many other files and folders there are, by what they are
    """

    root: Path
    images: list[ImageFile]
    splits: list[str]
    left_alone: Counter[str]


def list_images(folder: str | os.PathLike[str], at_least: int = 2) -> FolderListing:
    """Lists a folder's images with their splits and classes.

    Layouts: ``split/class/files``, ``class/files`` and flat. Hidden files and
    folders and links to folders are not entered, and counted.

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
    images, left_alone = [], Counter[str]()
    for path in _files(str(root), left_alone):
        if os.path.splitext(path)[1].lower() not in _IMAGE_SUFFIXES:
            left_alone["other files"] += 1
            continue
        parts = Path(path).relative_to(root).parts[:-1]
        split = parts[0] if parts and parts[0] in splits else None
        classes = parts[1:] if split else parts
        images.append(ImageFile(path, split, classes[0] if classes else None))
    if not images:
        raise InputError(
            f"There are no images in '{root}'{_describe_rest(left_alone)}. Winnow "
            "looks for names such as .jpg, .png, .webp, .gif, .bmp and .tif."
        )
    if len(images) < at_least:
        raise InputError(
            f"There is only one image in '{root}'. Winnow compares images with each "
            "other: give a folder with at least 2."
        )
    used = {image.split for image in images}
    return FolderListing(
        root, images, [name for name in splits if name in used], left_alone
    )


def is_split_name(name: str) -> bool:
    """True for train, val, test and the like, with or without ``_set``."""
    return _SPLIT.fullmatch(name) is not None


def describe(listing: FolderListing) -> str:
    """Returns a sentence on what the folder holds, for a person."""
    classes = {image.label for image in listing.images if image.label}
    parts = [f"{len(listing.images):,} images in {listing.root}"]
    if listing.splits:
        parts.append("splits: " + ", ".join(listing.splits))
    if classes:
        parts.append(f"{len(classes):,} classes")
    return "; ".join(parts) + _describe_rest(listing.left_alone)


def path_inside(path: str, root: str | os.PathLike[str]) -> str:
    """Returns a path in a folder as results name it: with slashes on any system."""
    try:
        return os.path.relpath(path, root).replace(os.sep, "/")
    except ValueError:  # On another drive of Windows
        return path


def common_folder(paths: Sequence[str]) -> str:
    """Returns the deepest folder that holds all these; the root of all without one."""
    try:
        return os.path.commonpath(paths)
    except ValueError:  # None at all, or on several drives of Windows
        return str(Path(os.sep).absolute())


def _describe_rest(left_alone: Counter[str]) -> str:
    if not left_alone:
        return ""
    counts = ", ".join(f"{n:,} {what}" for what, n in sorted(left_alone.items()))
    return f" (left alone: {counts})"


def _files(root: str, left_alone: Counter[str]) -> Iterator[str]:
    for folder, subfolders, names in os.walk(root):
        inside = os.path.join(folder, "")
        linked = [name for name in subfolders if os.path.islink(inside + name)]
        left_alone["links to folders"] += len(linked)
        hidden = [name for name in (*subfolders, *names) if name.startswith(".")]
        left_alone["hidden files and folders"] += len(hidden)
        subfolders[:] = sorted(set(subfolders) - set(linked) - set(hidden))
        for name in sorted(set(names) - set(hidden)):
            yield inside + name
    # Counter keeps zeros; a person need not read them
    for what in [what for what, count in left_alone.items() if not count]:
        del left_alone[what]
