"""What a person should know of how folders were understood, a sentence each."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

from ..common.text import first_of
from .split_names import NO_SPLIT_FOLDER, split_names_among

Folder = tuple[str, ...]
"""Names below the root, outermost first."""

_FOLD = re.compile(r"(k?fold|cv)s?[ _-]*\d+|.*[ _-]k?fold[ _-]*\d+")
_NAMED = 5


def remarks_on_alike(
    alike: Iterable[Folder],
    children_of: Callable[[Folder], Iterable[str]],
    advise: bool,
) -> Iterator[str]:
    """Names the folders that are called like splits and were not taken for one.

    Args:
        alike: those folders
        children_of: what names the subfolders of a folder
        advise: True to say what a person can do
    """
    by_parent: dict[Folder, set[str]] = {}
    for path in alike:
        by_parent.setdefault(path[:-1], set()).add(path[-1])
    for parent, names in sorted(by_parent.items()):
        others = [name for name in children_of(parent) if name not in names]
        text = f"{quoted(sorted(names))} {_is_or_are(names)} called like "
        text += "a split" if len(names) == 1 else "splits"
        text += f" beside {quoted(others)}" if others else ""
        text += " and not taken for one."
        if advise:
            named = [*sorted(names), *others][:2]
            text += f" If that is wrong, name the splits: SPLITS={','.join(named)}"
        yield text


def remarks_on_siblings(splits: Iterable[Folder]) -> Iterator[str]:
    """Names the folders that are splits since they lie beside some."""
    parents: dict[Folder, list[str]] = {}
    for path in splits:
        parents.setdefault(path[:-1], []).append(path[-1])
    for names in parents.values():
        alike = dict.fromkeys(split_names_among(names))
        others = [name for name in names if name not in {*alike, NO_SPLIT_FOLDER}]
        if others:
            yield (
                f"{quoted(others)}, beside {quoted(alike)}, {_is_or_are(others)} "
                "taken for a split too. If that is wrong, name the splits: "
                f"SPLITS={','.join([*alike][:3])}"
            )


def remarks_on_folds(splits: Iterable[Folder]) -> Iterator[str]:
    """Names the folds of a cross-validation among the folders of splits."""
    folds = sorted({name for path in splits for name in path if _is_fold(name)})
    if len(folds) > 1:
        yield (
            f"{quoted(folds)} look like the folds of a cross-validation, in which "
            "each image is both trained with and tested on: scan one fold at a time."
        )


def remarks_on_classes(classes: Iterable[str]) -> Iterator[str]:
    """Names the classes whose names are spelled in two ways."""
    spellings: dict[str, set[str]] = {}
    for name in classes:
        spellings.setdefault(plain_name(name), set()).add(name)
    for names in spellings.values():
        if len(names) > 1:
            yield (
                f"The classes {quoted(sorted(names))} differ only in case, blanks or "
                "accents' spelling and count as different ones."
            )


def remarks_on_domains(outer: Iterable[str], inner: Iterable[str]) -> Iterator[str]:
    """Says why the classes were looked for inside folders that hold the same ones."""
    if names := list(outer):
        yield (
            f"{quoted(names)} hold the same folders, {quoted(inner)}, which are taken "
            "for the classes. If that is wrong, say LAYOUT=class"
        )


def remarks_on_nested(
    inner: Mapping[str, Collection[str]], classes: int, layout: str
) -> Iterator[str]:
    """Says that the folders of the classes hold more folders than there are classes.

    Args:
        inner: class -> names of the folders in its folders
        classes: number of classes
        layout: that takes those for the classes
    """
    names = sorted({name for found in inner.values() for name in found})
    if len(names) > classes:
        yield (
            f"The folders of {quoted(sorted(inner))} hold {len(names):,} folders, "
            f"{quoted(names)}, which are not taken for classes. If they are, say "
            f"LAYOUT={layout}"
        )


def _is_or_are(names: Collection[str]) -> str:
    return "is" if len(names) == 1 else "are"


def _is_fold(name: str) -> bool:
    return _FOLD.fullmatch(name.casefold()) is not None


def plain_name(name: str) -> str:
    """Returns a name without its case, blanks and ways to write an accent."""
    return re.sub(r"[\s_-]+", "", unicodedata.normalize("NFKC", name).casefold())


def quoted(names: Iterable[str]) -> str:
    """Returns a few names for a sentence."""
    return first_of([f"'{name}'" for name in names], _NAMED)
