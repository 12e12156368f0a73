"""What the copy to keep takes over from its copies before they go.

Values are plain: texts, numbers, lists of them, and labels as the documents that
the data set stores. Nothing that the copy to keep has is ever replaced.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

_HOLDS = ("classifications", "detections", "polylines", "keypoints")
"""Lists of labels inside a label; an empty one is no label at all."""


@dataclass(frozen=True)
class Merged:
    """One field of the copy to keep, merged.

    Attributes:
        value: that it gets
        changed: whether that is another one than it has
        conflicts: which of the copies carry another value, which is not taken
    """

    value: Any
    changed: bool
    conflicts: tuple[int, ...]


def merge(own: Any, others: Sequence[Any]) -> Merged:
    """Merges the value of the copy to keep with those of its copies.

    Lists become their union, in order of appearance. Of everything else the copy
    to keep has the word; where it has nothing, the first copy that has something.
    Labels are equal if they say the same, whatever their ids and confidences.

    Args:
        own: of the copy to keep; None for nothing
        others: of its copies, in the order of their rank
    """
    if isinstance(own, list) or (own is None and any(map(_is_list, others))):
        return _union(own or [], others)
    value = own
    if _is_nothing(own):
        value = next((other for other in others if not _is_nothing(other)), own)
    conflicts = tuple(
        number
        for number, other in enumerate(others)
        if not _is_nothing(other) and _said(other) != _said(value)
    )
    return Merged(value, _said(value) != _said(own), conflicts)


def _union(own: list[Any], others: Sequence[Any]) -> Merged:
    value = list(own)
    conflicts = []
    for number, other in enumerate(others):
        if other is not None and not _is_list(other):
            conflicts.append(number)
            continue
        value += [one for one in dict.fromkeys(other or ()) if one not in value]
    return Merged(value, len(value) > len(own), tuple(conflicts))


def _is_list(value: Any) -> bool:
    return isinstance(value, list)


def _is_nothing(value: Any) -> bool:
    if isinstance(value, dict):
        held = [value[name] for name in _HOLDS if name in value]
        return bool(held) and not any(held)
    return value is None


def _said(value: Any) -> Any:
    """Returns what a value says, without what tells two equal labels apart."""
    if isinstance(value, dict):
        if value.get("_cls") == "Classification":
            return value.get("label")
        return {name: _said(one) for name, one in value.items() if name != "_id"}
    if isinstance(value, list):
        return [_said(one) for one in value]
    return None if _is_nothing(value) else value
