"""What the names of folders say: which are splits and which are classes.

Folders are tuples of names below the root, outermost first.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from ..errors import InputError
from .layout_choices import Choices, Place, place_of
from .layout_remarks import (
    Folder,
    plain_name,
    quoted,
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

_DEEPEST = 12
"""Levels in which splits and classes are looked for: a path may have 2,000."""

_CONTAINERS = (
    "image images img imgs pic pics picture pictures photo photos data dataset "
    "jpegimages rgb jpg jpeg png label labels mask masks annotation annotations "
    "segmentation segmentations segmentationclass segmentationobject groundtruth gt"
)
"""Names that say what kind of file is inside. Beside a class, ``photo`` is one."""
_NUMBERED = re.compile(
    r"(voc|fold|part|batch|chunk|shard|cv|kfold|image|img|frame|cam|camera)s?[ _-]*\d+"
)


@dataclass(eq=False)
class FolderNode:
    """A folder: its path, the images in it and below it, its subfolders."""

    path: Folder
    own: int = 0
    total: int = 0
    children: dict[str, FolderNode] = field(default_factory=dict)

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

    node: FolderNode
    split: str | None = None
    split_level: int = -1


def folder_tree(folders: Mapping[Folder, int]) -> FolderNode:
    root = FolderNode(())
    for folder in sorted(folders):
        count, node = folders[folder], root
        node.total += count
        for level, name in enumerate(folder[:_DEEPEST], 1):
            if name not in node.children:
                node.children[name] = FolderNode(folder[:level])
            node = node.children[name]
            node.total += count
        node.own += count
    return root


def places_by_names(
    folders: Mapping[Folder, int], root: FolderNode, choices: Choices
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
    levels = _own_levels(bases, level)
    places = {}
    for folder in folders:
        base = _above(folder, by_path)
        places[folder] = Place()
        if base:
            places[folder] = _placed(folder, base, levels[base.node.path], outer)
    return places, remarks


def folders_alike(
    places: Mapping[Folder, Place], root: FolderNode
) -> dict[Folder, Folder]:
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


def _placed(
    folder: Folder, base: _Base, level: int | None, outer: Mapping[Folder, int]
) -> Place:
    at = outer.get(base.node.path, -1)
    if level is not None and len(folder) > len(base.node.path) + level:
        at = len(base.node.path) + level
    return place_of(folder, base.split, base.split_level, at)


def _above(folder: Folder, by_path: Mapping[Folder, _Base]) -> _Base | None:
    for level in range(min(len(folder), _DEEPEST), -1, -1):
        if folder[:level] in by_path:
            return by_path[folder[:level]]
    return None


def _found_bases(node: FolderNode, classes: frozenset[str]) -> list[_Base]:
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


def _are_splits(node: FolderNode, classes: frozenset[str]) -> bool:
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


def _same_inside(nodes: Sequence[FolderNode]) -> bool:
    """True if folders hold mostly the same subfolders, two or more."""
    names = [set(node.children) for node in nodes]
    common = set.intersection(*names)
    return len(common) > 1 and 2 * len(common) >= len(set.union(*names))


def _named_bases(root: FolderNode, splits: Mapping[str, str]) -> list[_Base]:
    """Returns the folders that a person named, and their siblings without a split."""
    bases, used = [], set()

    def look(node: FolderNode) -> None:
        def named(child: FolderNode) -> str | None:
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


def _class_level(nodes: Sequence[FolderNode]) -> int | None:
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


def _own_levels(bases: Sequence[_Base], level: int | None) -> dict[Folder, int | None]:
    """Returns path -> level of the classes; val/images may be beside train/cat."""
    names: dict[Folder, set[str]] = {}
    for base in bases:
        nodes = [base.node]
        for _ in range(level or 0):
            nodes = [child for node in nodes for child in node.children.values()]
        names[base.node.path] = {name for node in nodes for name in node.children}
    classes: set[str] = set().union(
        *(found for found in names.values() if not all(map(_is_container, found)))
    )
    return {
        base.node.path: level
        # Of these, one that others have for a class is one: photo beside sketch
        if not all(map(_is_container, found)) or found & classes
        else _class_level([base.node])
        for base, found in zip(bases, names.values(), strict=True)
    }


def _domains(bases: Sequence[_Base], level: int) -> list[FolderNode]:
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


def _same_name(one: str, other: str) -> bool:
    return plain_name(one) == plain_name(other)


def _folders_there(root: FolderNode) -> str:
    there = quoted(root.children)
    return f"Folders there: {there}." if there else "There are no folders."
