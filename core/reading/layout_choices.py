"""What a person says of the folders: which are splits, classes, levels.

Knows names only; what names say of themselves is :mod:`.layout_names`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ..errors import InputError
from .layout_remarks import Folder, quoted

SPLIT, CLASS, ANY, FLAT = "split", "class", "*", "flat"
_NONE = "none"
_PATTERN_WORDS = {word: word for word in (SPLIT, CLASS, FLAT, _NONE)}


@dataclass(frozen=True)
class Choices:
    """What a person says of the folders; None where it is left to their names.

    Attributes:
        splits: folder, by its name or its path below the root -> split; empty
            for no splits
        classes: names of the folders that are classes; empty for no classes
        layout: what the folders of each level are: ``SPLIT``, ``CLASS``, ``ANY`` or
            the name of one folder; empty if none says anything
    """

    splits: Mapping[str, str] | None = None
    classes: tuple[str, ...] | None = None
    layout: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Place:
    """What a folder's images are.

    Attributes:
        split: name of the split, or None
        label: name of the class, or None
        levels: what each of its folders was taken for, up to the last that says
            something: ``SPLIT``, ``CLASS`` or ``ANY``
    """

    split: str | None = None
    label: str | None = None
    levels: tuple[str, ...] = ()


def parse_choices(splits: str = "", classes: str = "", layout: str = "") -> Choices:
    """Reads what a person wrote; an empty text leaves it to the names.

    Args:
        splits: ``none``, folders, or ``split=folder`` pairs, separated by commas
        classes: ``none``, or folders, separated by commas
        layout: ``flat``, or a pattern such as ``split/class`` or ``*/class``

    Raises:
        InputError: a text that cannot be meant
    """
    pattern: tuple[str, ...] | None = None
    if layout.strip():
        parts = (part.strip() for part in layout.split("/"))
        pattern = tuple(_PATTERN_WORDS.get(one.lower(), one) for one in parts if one)
        while pattern and pattern[-1] == ANY:
            pattern = pattern[:-1]
        if pattern in ((FLAT,), (_NONE,)):
            pattern = ()
        for word in (SPLIT, CLASS):
            if pattern.count(word) > 1:
                raise InputError(
                    f"LAYOUT={layout} says '{word}' twice. Name each level once, for "
                    "example split/class."
                )
    named = _list_of(splits)
    pairs = None
    if named is not None:
        pairs = {}
        for text in named:
            split, sign, folder = (part.strip() for part in text.partition("="))
            if sign and not (split and folder):
                raise InputError(
                    f"SPLITS={splits} cannot be read at '{text}'. Write "
                    "SPLITS=train=seg_train,test=seg_test, or SPLITS=none."
                )
            pairs[(folder or split).strip("/")] = split
    if pairs and pattern is not None and SPLIT not in pattern:
        raise InputError(
            f"LAYOUT={layout} has no splits, but SPLITS names some. Leave one out, or "
            "put 'split' into the layout."
        )
    own_classes = _list_of(classes)
    if own_classes and pattern is not None and CLASS not in pattern:
        raise InputError(
            f"LAYOUT={layout} has no classes, but CLASSES names some. Leave one out, "
            "or put 'class' into the layout."
        )
    return Choices(pairs, None if own_classes is None else tuple(own_classes), pattern)


def _list_of(text: str) -> list[str] | None:
    """Returns the parts of a text; [] for ``none``, None for an empty one."""
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if not parts:
        return None
    return [] if [part.lower() for part in parts] == [_NONE] else parts


def place_of(
    folder: Folder, split: str | None, split_level: int, class_level: int
) -> Place:
    levels = [ANY] * (max(split_level, class_level) + 1)
    label = None
    if class_level >= 0:
        label = folder[class_level]
        levels[class_level] = CLASS
    if split_level >= 0:
        levels[split_level] = SPLIT
    return Place(split, label, tuple(levels))


def places_by_pattern(
    folders: Iterable[Folder],
    pattern: Sequence[str],
    splits: Mapping[str, str] | None,
) -> dict[Folder, Place]:
    """Places folders by a person's pattern."""
    places, fits, used = {}, not pattern, set()
    split_level = pattern.index(SPLIT) if SPLIT in pattern else -1
    class_level = pattern.index(CLASS) if CLASS in pattern else -1
    for folder in folders:
        # strict=False: a file may lie further out or further in than the pattern
        names = zip(folder, pattern, strict=False)
        if not all(part in (SPLIT, CLASS, ANY, name) for name, part in names):
            places[folder] = Place()
            continue
        fits = fits or len(folder) >= len(pattern)
        at_split = split_level if split_level < len(folder) else -1
        at_class = class_level if class_level < len(folder) else -1
        split = folder[at_split] if at_split >= 0 else None
        if splits is not None and split is not None:
            keys = ("/".join(folder[: at_split + 1]), split)
            key = next((one for one in keys if one in splits), None)
            used.add(key)
            split = None if key is None else splits[key]
            at_split = at_split if split is not None else -1
        places[folder] = place_of(folder, split, at_split, at_class)
    if not fits:
        raise InputError(
            f"LAYOUT={'/'.join(pattern)} fits no image: 'split', 'class' and '*' stand "
            "for one folder each, any other word for the folder of that name. "
            f"Images lie for example in {quoted(map('/'.join, sorted(places)))}."
        )
    if missing := [folder for folder in splits or () if folder not in used]:
        raise InputError(
            f"SPLITS names the folder '{missing[0]}', but no image has it where the "
            "layout says 'split'."
        )
    return places


def with_classes(
    places: Mapping[Folder, Place], classes: Sequence[str], only_found: bool
) -> dict[Folder, Place]:
    """Takes only the named folders for classes; those of a split stay that."""
    wanted, used = set(classes), set()
    changed = {}
    for folder, place in places.items():
        split_level = place.levels.index(SPLIT) if SPLIT in place.levels else -1
        at = -1
        if only_found:
            at = place.levels.index(CLASS) if CLASS in place.levels else -1
            at = at if at >= 0 and folder[at] in wanted else -1
        else:
            for level, name in enumerate(folder):
                if name in wanted and level != split_level:
                    at = level
                    break
        if at >= 0:
            used.add(folder[at])
        changed[folder] = place_of(folder, place.split, split_level, at)
    if missing := [name for name in classes if name not in used]:
        there = quoted(sorted({name for folder in places for name in folder}))
        raise InputError(
            f"CLASSES names '{missing[0]}', but no folder with images is called so. "
            f"Folders there: {there or 'none'}."
        )
    return changed
