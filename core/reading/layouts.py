"""Which folders name splits and which name classes.

Knows names and counts only; :mod:`core.reading.folders` reads the disk. Folders are
tuples of names below the root, outermost first.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from ..errors import InputError
from .layout_remarks import (
    Folder,
    plain_name,
    quoted,
    remarks_on_alike,
    remarks_on_classes,
    remarks_on_domains,
    remarks_on_folds,
    remarks_on_siblings,
)
from .split_names import (
    NO_SPLIT_FOLDER,
    split_name,
    split_names_among,
    split_role,
)

SPLIT, CLASS, ANY, FLAT = "split", "class", "*", "flat"
_NONE = "none"
_PATTERN_WORDS = {word: word for word in (SPLIT, CLASS, FLAT, _NONE)}
_DEEPEST = 12
"""Levels in which splits and classes are looked for: a path may have 2,000."""

_CONTAINERS = (
    "image images img imgs pic pics picture pictures photo photos data dataset "
    "jpegimages rgb jpg jpeg png label labels mask masks annotation annotations "
    "segmentation segmentations segmentationclass segmentationobject groundtruth gt"
)
"""Names that say what kind of file is inside. Beside a class, ``photo`` is one."""
_NUMBERED = re.compile(r"(voc|fold|part|batch|chunk|shard|cv|kfold)s?[ _-]*\d+")


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


def parse_choices(splits: str = "", classes: str = "", layout: str = "") -> Choices:
    """Reads what a person wrote; an empty text leaves it to the names.

    Args:
        splits: ``none``, folders, or ``split=folder`` pairs, parted by commas
        classes: ``none``, or folders, parted by commas
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
    root = _tree(folders)
    if choices.layout is not None:
        places = _by_pattern(folders, choices.layout, choices.splits)
        remarks: list[str] = []
    else:
        places, remarks = _by_names(folders, root, choices)
    if choices.classes is not None:
        # With a pattern they only say which of its classes count
        fixed = choices.layout is not None
        places = _with_classes(places, choices.classes, only_found=fixed)
    places = _one_spelling(places)
    alike = _alike(places, root)
    patterns: Counter[str] = Counter()
    for folder, count in folders.items():
        patterns["/".join(places[folder].levels) or FLAT] += count
    # Whoever said it otherwise needs no advice
    advise = choices == Choices()
    found = (place.label for place in places.values() if place.label is not None)
    remarks += [
        *remarks_on_alike(alike.values(), root.names_below, advise),
        *remarks_on_classes(found),
    ]
    return Layout(places, dict(patterns.most_common()), alike, tuple(remarks))


@dataclass(eq=False)
class _Node:
    """A folder: its path, the images in it and below it, its subfolders."""

    path: Folder
    own: int = 0
    total: int = 0
    children: dict[str, _Node] = field(default_factory=dict)

    @cached_property
    def alike(self) -> dict[str, None]:
        """The subfolders that are called like splits, in order."""
        return dict.fromkeys(split_names_among(self.children))

    def names_below(self, path: Folder) -> list[str]:
        """Returns the names of the subfolders of a folder below this one."""
        node = self
        for name in path:
            node = node.children[name]
        return list(node.children)


@dataclass(frozen=True)
class _Base:
    """A folder in which classes are looked for.

    Attributes:
        node: the folder
        split: name of its split, or None
        split_level: which of its path's folders named the split; -1 for none
    """

    node: _Node
    split: str | None = None
    split_level: int = -1


def _tree(folders: Mapping[Folder, int]) -> _Node:
    root = _Node(())
    for folder in sorted(folders):
        count, node = folders[folder], root
        node.total += count
        for level, name in enumerate(folder[:_DEEPEST], 1):
            if name not in node.children:
                node.children[name] = _Node(folder[:level])
            node = node.children[name]
            node.total += count
        node.own += count
    return root


def _by_names(
    folders: Mapping[Folder, int], root: _Node, choices: Choices
) -> tuple[dict[Folder, Place], list[str]]:
    """Places folders by what they are called, or by the splits that were named."""
    remarks: list[str] = []
    if choices.splits:
        bases = _named_bases(root, choices.splits)
    elif choices.splits is not None:
        bases = []
    else:
        bases = _found_bases(root, frozenset(choices.classes or ()))
        # A few folders called so, deep in a tree of classes, are no splits
        if 2 * sum(base.node.total for base in bases) < root.total - root.own:
            bases = []
        paths = [base.node.path for base in bases]
        remarks = [*remarks_on_siblings(paths), *remarks_on_folds(paths)]
    bases = [_unwrapped(base) for base in bases or [_Base(root)]]
    level = _class_level([base.node for base in bases])
    if level is not None and (domains := _domains(bases, level)):
        classes = {name for node in domains for name in node.children}
        names = {node.path[-1] for node in domains}
        remarks += remarks_on_domains(sorted(names), sorted(classes))
        level += 1
    outer = _outer_classes(bases) if level is None else {}
    by_path = {base.node.path: base for base in bases}
    places = {}
    for folder in folders:
        base = _above(folder, by_path)
        places[folder] = _placed(folder, base, level, outer) if base else Place()
    return places, remarks


def _placed(
    folder: Folder, base: _Base, level: int | None, outer: Mapping[Folder, int]
) -> Place:
    at = outer.get(base.node.path, -1)
    if level is not None and len(folder) > len(base.node.path) + level:
        at = len(base.node.path) + level
    return _place(folder, base.split, base.split_level, at)


def _place(
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


def _above(folder: Folder, by_path: Mapping[Folder, _Base]) -> _Base | None:
    for level in range(min(len(folder), _DEEPEST), -1, -1):
        if folder[:level] in by_path:
            return by_path[folder[:level]]
    return None


def _found_bases(node: _Node, classes: frozenset[str]) -> list[_Base]:
    """Returns the folders that are splits by their names, wherever they lie."""
    here = _are_splits(node, classes)
    bases = []
    for name, child in node.children.items():
        deeper = [] if here and split_name(name) else _found_bases(child, classes)
        if here and not deeper:
            in_none = name == NO_SPLIT_FOLDER
            split = (None, -1) if in_none else (name, len(node.path))
            deeper = [_Base(child, *split)]
        bases += deeper
    return bases


def _are_splits(node: _Node, classes: frozenset[str]) -> bool:
    """True if the folders in a folder are splits."""
    children = {
        name: child for name, child in node.children.items() if name != NO_SPLIT_FOLDER
    }
    alike = [name for name in node.alike if name not in classes]
    if not alike or classes & children.keys():
        return False
    if len(alike) == 1:
        return len(children) == 1 or _same_inside(list(children.values()))
    images = sum(children[name].total for name in alike)
    return 2 * len(alike) >= len(children) or 2 * images >= node.total


def _same_inside(nodes: Sequence[_Node]) -> bool:
    """True if folders hold mostly the same subfolders, two or more."""
    names = [set(node.children) for node in nodes]
    common = set.intersection(*names)
    return len(common) > 1 and 2 * len(common) >= len(set.union(*names))


def _named_bases(root: _Node, splits: Mapping[str, str]) -> list[_Base]:
    """Returns the folders that a person named, and their siblings without a split."""
    bases, used = [], set()

    def look(node: _Node) -> None:
        def named(child: _Node) -> str | None:
            for key in ("/".join(child.path), child.path[-1]):
                if key in splits:
                    return key
            return None

        keys = {name: named(child) for name, child in node.children.items()}
        for name, child in node.children.items():
            key = keys[name]
            if key is not None:
                used.add(key)
                bases.append(_Base(child, splits[key], len(node.path)))
            else:
                before = len(bases)
                look(child)
                if any(keys.values()) and len(bases) == before:
                    bases.append(_Base(child))

    look(root)
    if missing := [folder for folder in splits if folder not in used]:
        raise InputError(
            f"SPLITS names the folder '{missing[0]}', but there is none with images "
            f"called so. {_folders_there(root)}"
        )
    return bases


def _unwrapped(base: _Base) -> _Base:
    """Goes down where a folder only repeats its parent: seg_train/seg_train."""
    node = base.node
    while base.split is not None and not node.own and len(node.children) == 1:
        ((name, child),) = node.children.items()
        role = split_role(name)
        if _same_name(name, node.path[-1]) or (
            role is not None and role == split_role(node.path[-1])
        ):
            node = child
        else:
            break
    return _Base(node, base.split, base.split_level)


def _class_level(nodes: Sequence[_Node]) -> int | None:
    """Returns how far below the folders the classes are; None for no classes."""
    level = 0
    while names := {name for node in nodes for name in node.children}:
        inner = [child for node in nodes for child in node.children.values()]
        below = {name for node in inner for name in node.children}
        alone = len(names) == 1 and (
            len(below) > 1 or not any(node.own for node in inner)
        )
        if not alone and not all(map(_is_container, names)):
            return level
        nodes, level = inner, level + 1
    return None


def _domains(bases: Sequence[_Base], level: int) -> list[_Node]:
    """Returns folders that each hold the same classes: amazon/mouse, dslr/mouse.

    They are where images come from, if the folders inside are as many or more.
    """
    nodes = [base.node for base in bases]
    for _ in range(level + 1):
        nodes = [child for node in nodes for child in node.children.values()]
    outer = {node.path[-1] for node in nodes}
    if len(outer) < 2 or any(node.own for node in nodes) or not _same_inside(nodes):
        return []
    inner = set.intersection(*(set(node.children) for node in nodes))
    return nodes if len(inner) >= len(outer) else []


def _is_container(name: str) -> bool:
    name = name.casefold()
    return name in _CONTAINERS.split() or _NUMBERED.fullmatch(name) is not None


def _outer_classes(bases: Sequence[_Base]) -> dict[Folder, int]:
    """Finds classes above the splits (class/split): base -> level of its class."""
    above = {
        base.node.path: base.split_level - 1 for base in bases if base.split_level > 0
    }
    names = {path[level] for path, level in above.items()}
    if len(names) < 2 or all(map(_is_container, names)):
        return {}
    return above


def _by_pattern(
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
        places[folder] = _place(folder, split, at_split, at_class)
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


def _with_classes(
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
        changed[folder] = _place(folder, place.split, split_level, at)
    if missing := [name for name in classes if name not in used]:
        there = quoted(sorted({name for folder in places for name in folder}))
        raise InputError(
            f"CLASSES names '{missing[0]}', but no folder with images is called so. "
            f"Folders there: {there or 'none'}."
        )
    return changed


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


def _alike(places: Mapping[Folder, Place], root: _Node) -> dict[Folder, Folder]:
    """Finds folders called like splits among those that were not taken for one."""
    alike = {}
    for folder, place in places.items():
        if place.split is not None:
            continue
        node = root
        for name in folder[:_DEEPEST]:
            if name in node.alike:
                alike[folder] = node.children[name].path
                break
            node = node.children[name]
    return alike


def _same_name(one: str, other: str) -> bool:
    return plain_name(one) == plain_name(other)


def _list_of(text: str) -> list[str] | None:
    """Returns the parts of a text; [] for ``none``, None for an empty one."""
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if not parts:
        return None
    return [] if [part.lower() for part in parts] == [_NONE] else parts


def _folders_there(root: _Node) -> str:
    there = quoted(root.children)
    return f"Folders there: {there}." if there else "There are no folders."
