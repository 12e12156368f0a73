"""Lists a folder of images: which split and which class each file is in."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..common.text import plain
from ..common.writable import expanded
from ..errors import InputError
from .image_names import VIDEOS, kind_of_other_file
from .layout_choices import FLAT, Choices
from .layout_remarks import Folder
from .layouts import Layout, understand

_LITTER = frozenset(
    ("__MACOSX", "@eaDir", "$RECYCLE.BIN", "lost+found", "System Volume Information")
)
"""Folders that systems leave behind, with pictures in them or without."""

_LINKS = "links to folders"
_HIDDEN = "hidden files and folders"
_SYSTEM = "folders of the system"
_CLOSED = "folders that cannot be read"
_TWICE = "links to folders that are here already"
_LOOPS = "links that lead back to a folder they are in"

_CLASSES_SHOWN = 12
_SPLITS_SHOWN = 6
_PATTERNS_SHOWN = 3
_NAME_WIDTH = 24
_NO_SPLIT, _NO_CLASS = "(no split)", "(no class)"


@dataclass(frozen=True)
class ImageFile:
    """A file that is an image by its name or its first bytes, or a video by its name.

    Attributes:
        path: absolute
        split: name of the split, or None
        label: name of the class, or None
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
        skipped: how many other files and folders there are, by what they are
        layout: how the folders were understood
        of_videos: the files are videos, since there is no image
    """

    root: Path
    images: list[ImageFile]
    splits: list[str]
    skipped: Counter[str]
    layout: Layout
    of_videos: bool = False

    @property
    def kind(self) -> str:
        """What the files are, in the plural."""
        return VIDEOS if self.of_videos else "images"


def list_images(
    folder: str | os.PathLike[str],
    at_least: int = 2,
    *,
    choices: Choices | None = None,
    follow_links: bool = False,
) -> FolderListing:
    """Lists a folder's images, or its videos, with their splits and classes.

    Where there is an image, videos are counted only: a data set holds one kind.

    Hidden folders are not entered, nor what systems leave behind; links to folders
    only where ``follow_links`` says so, and each folder once. All is counted.

    Args:
        folder: that holds the images or videos
        at_least: how many there must be
        choices: what a person says of the folders
        follow_links: enter folders that are linked

    Raises:
        InputError: no such folder, no images in it, or choices that do not fit
    """
    root = _root(folder)
    skipped = Counter[str]()
    found: dict[Folder, list[str]] = {}
    videos: dict[Folder, list[str]] = {}
    for path, place, names in _folders(str(root), follow_links, skipped):
        kinds = [kind_of_other_file(f"{path}{os.sep}{name}") for name in names]
        skipped.update(kind for kind in kinds if kind is not None)
        for into, wanted in ((found, None), (videos, VIDEOS)):
            chosen = [
                name for name, kind in zip(names, kinds, strict=True) if kind == wanted
            ]
            if chosen:
                into[place] = chosen
    of_videos = not found
    if of_videos:
        found = videos
        del skipped[VIDEOS]
    count = sum(map(len, found.values()))
    if not count:
        raise InputError(
            f"There are no images in '{root}'{_describe_rest(skipped)}. Winnow "
            "looks for names such as .jpg, .png, .webp, .gif, .bmp and .tif, into "
            "files whose names do not say what they are, and, where there is no image, "
            "for videos such as .mp4, .mov, .mkv and .avi."
        )
    kind = VIDEOS if of_videos else "images"
    if count < at_least:
        raise InputError(
            f"There is only one {kind[:-1]} in '{root}'. Winnow compares {kind} with "
            "each other: give a folder with at least 2."
        )
    layout = understand({place: len(names) for place, names in found.items()}, choices)
    images = [
        ImageFile(
            os.path.join(root, *place, name),
            layout.places[place].split,
            layout.places[place].label,
        )
        for place, names in found.items()
        for name in names
    ]
    images.sort(key=lambda image: image.path)
    splits = list(dict.fromkeys(image.split for image in images if image.split))
    return FolderListing(root, images, splits, skipped, layout, of_videos)


def folder_of(listing: FolderListing, path: str) -> Folder:
    """Returns the names of the folders that an image lies in, below the root."""
    return Path(path).relative_to(listing.root).parts[:-1]


def equal_across(
    listing: FolderListing, content: Mapping[str, int]
) -> dict[tuple[str, str], int]:
    """Counts equal files across folders called like splits but not taken for some.

    Args:
        listing: of the folder
        content: path -> number that is the same for equal files

    Returns:
        (folder, other folder) -> files in the first that have an equal one in the
        other, the most first; the first is called like a split
    """
    alike = listing.layout.alike
    places: dict[int, Counter[Folder]] = {}
    for path, number in content.items():
        folder = folder_of(listing, path)
        places.setdefault(number, Counter())[folder] += 1
    found: Counter[tuple[str, str]] = Counter()
    for folders in places.values():
        of_part: Counter[Folder] = Counter()
        for folder, count in folders.items():
            if folder in alike:
                of_part[alike[folder]] += count
        for part, count in of_part.items():
            others = {alike.get(folder, folder[: len(part)]) for folder in folders} - {
                part
            }
            for other in others:
                # Of two that are both called so, once
                if other not in of_part or part < other:
                    found["/".join(part), "/".join(other) or "."] += count
    return dict(found.most_common())


def describe(listing: FolderListing) -> str:
    """Returns how a folder was understood, for a person: a few lines and a table."""
    count, layout = len(listing.images), listing.layout
    lines = [
        f"{count:,} {listing.kind} in {listing.root}{_describe_rest(listing.skipped)}"
    ]
    lines.append(_describe_patterns(layout))
    if list(layout.patterns) != [FLAT]:
        lines += [f"  {line}" for line in _table(listing)]
    lines += [f"Note: {plain(remark)}" for remark in layout.remarks]
    return "\n".join(lines)


def _root(folder: str | os.PathLike[str]) -> Path:
    root = expanded(folder)
    try:
        if not root.is_dir():
            what = "is a file, not a folder" if root.exists() else "does not exist"
            raise InputError(
                f"The folder '{root}' {what}. Give the folder that holds the images."
            )
        root = root.resolve()
        os.scandir(root).close()
    except OSError as error:
        raise InputError(
            f"The folder '{root}' cannot be read ({error.strerror}). Give yourself "
            "the permission to read it, or give another folder."
        ) from error
    return root


def _folders(
    root: str, follow_links: bool, skipped: Counter[str]
) -> Iterator[tuple[str, Folder, list[str]]]:
    """Yields each folder once: its path, its names below the root, its files.

    Folders that are really there come before those that a link leads to, so that a
    folder that is reached both ways is known by its own path.
    """
    seen: set[tuple[int, int]] = set()
    waiting: list[tuple[str, Folder]] = [(root, ())]
    linked: list[tuple[str, Folder]] = []
    while waiting or linked:
        is_link = not waiting
        path, place = waiting.pop() if waiting else linked.pop(0)
        try:
            status = Path(path).stat()
            with os.scandir(path) as entries:
                found = sorted(entries, key=lambda entry: entry.name)
        except OSError:
            skipped[_CLOSED] += 1
            continue
        identity = status.st_dev, status.st_ino
        if identity in seen:
            if is_link:
                skipped[_LOOPS if _leads_back(path) else _TWICE] += 1
            continue
        seen.add(identity)
        names, inner = [], []
        for entry in found:
            name = entry.name
            if name.startswith("."):
                skipped[_HIDDEN] += 1
            elif not _is_folder(entry):
                names.append(name)
            elif name in _LITTER:
                skipped[_SYSTEM] += 1
            elif not entry.is_symlink():
                inner.append((entry.path, (*place, name)))
            elif follow_links:
                linked.append((entry.path, (*place, name)))
            else:
                skipped[_LINKS] += 1
        waiting += reversed(inner)
        yield path, place, names


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        # A link that leads in a circle is no folder
        return False


def _leads_back(link: str) -> bool:
    """True if a link leads to the folder it lies in, or to one above that."""
    return Path(link).parent.resolve().is_relative_to(Path(link).resolve())


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


def _describe_rest(skipped: Counter[str]) -> str:
    if not skipped:
        return ""
    counts = ", ".join(f"{n:,} {what}" for what, n in sorted(skipped.items()))
    return f" (skipped: {counts})"


def _describe_patterns(layout: Layout) -> str:
    if list(layout.patterns) == [FLAT]:
        return "No folder names a split or a class."
    shown = list(layout.patterns.items())
    text = ", ".join(f"{name} ({n:,})" for name, n in shown[:_PATTERNS_SHOWN])
    if len(shown) == 1:
        text = shown[0][0]
    elif len(shown) > _PATTERNS_SHOWN:
        text += f" and {len(shown) - _PATTERNS_SHOWN:,} more"
    return f"Understood as {text}; SPLITS=, CLASSES= and LAYOUT= say otherwise:"


def _table(listing: FolderListing) -> list[str]:
    """Returns a line a class and a column a split, with the images of each."""
    counts = Counter(
        (image.label or _NO_CLASS, image.split or _NO_SPLIT) for image in listing.images
    )
    of_class: Counter[str] = Counter()
    of_split: Counter[str] = Counter()
    for (label, split), count in counts.items():
        of_class[label] += count
        of_split[split] += count
    splits = [*listing.splits, *([_NO_SPLIT] if of_split[_NO_SPLIT] else [])]
    columns = splits[:_SPLITS_SHOWN]
    if not listing.splits:
        columns = []
    classes = sorted(of_class, key=lambda label: (label == _NO_CLASS, label))
    rows: list[list[str | int]] = [
        [label, *(counts[label, split] for split in columns), of_class[label]]
        for label in classes[:_CLASSES_SHOWN]
    ]
    if classes == [_NO_CLASS]:
        rows = []
    if more := classes[_CLASSES_SHOWN:]:
        held = [sum(counts[label, split] for label in more) for split in columns]
        rest = sum(of_class[label] for label in more)
        rows.append([f"and {len(more):,} more", *held, rest])
    total = len(listing.images)
    rows.append(["all", *(of_split[split] for split in columns), total])
    last = "all" if len(columns) == len(splits) else f"all {len(splits):,} splits"
    head = ["", *columns, last if columns else listing.kind]
    return _aligned([head, *rows])


def _aligned(rows: Sequence[Sequence[str | int]]) -> list[str]:
    texts = [
        [f"{one:,}" if isinstance(one, int) else _short(one) for one in row]
        for row in rows
    ]
    widths = [max(map(len, column)) for column in zip(*texts, strict=True)]
    return [
        "  ".join(
            [
                row[0].ljust(widths[0]),
                *(one.rjust(n) for one, n in zip(row[1:], widths[1:], strict=True)),
            ]
        )
        for row in texts
    ]


def _short(name: str) -> str:
    name = plain(name)
    return name if len(name) <= _NAME_WIDTH else f"{name[: _NAME_WIDTH - 1]}…"
