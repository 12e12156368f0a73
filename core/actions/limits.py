"""How much one plan may take away.

A class, a split or the data set is never emptied. What goes without a copy
that stays is limited to a share of its class and of the data set; beyond
that the number of items must be repeated by whoever applies the plan.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from ..common.text import percent_text

MAX_CLASS_SHARE = 0.05
MAX_DATASET_SHARE = 0.10

Group = tuple[str, str]
"""``("class", name)``, ``("split", name)`` or ``("data set", "")``."""


@dataclass(frozen=True)
class Totals:
    """How many samples, or objects, the data set has, in all and by group."""

    samples: int
    classes: Mapping[str, int]
    splits: Mapping[str, int]
    things: str = "samples"

    def of(self, group: Group) -> int:
        kind, name = group
        if kind == "data set":
            return self.samples
        return (self.classes if kind == "class" else self.splits).get(name, 0)


def groups_of(label: str | None, split: str | None) -> list[Group]:
    """Returns the groups that a sample belongs to."""
    groups = [("data set", "")]
    if label is not None:
        groups.append(("class", label))
    if split is not None:
        groups.append(("split", split))
    return groups


def emptied(planned: Counter[Group], totals: Totals) -> frozenset[Group]:
    """Returns the groups of which nothing would be left."""
    return frozenset(
        group for group, count in planned.items() if count >= totals.of(group)
    )


def why_count_is_needed(planned: Counter[Group], totals: Totals) -> str | None:
    """Returns why so many samples need a second word, or None.

    A single sample of a class is always within its share.

    Args:
        planned: samples that go without a copy that stays, by group
        totals: of the data set
    """
    for group in sorted(planned):
        kind, name = group
        share = MAX_DATASET_SHARE if kind == "data set" else MAX_CLASS_SHARE
        count, total = planned[group], totals.of(group)
        if kind != "split" and count > max(1, share * total):
            of_what = "the data set" if kind == "data set" else f"class '{name}'"
            return (
                f"The plan is for {count:,} of the {total:,} {totals.things} of "
                f"{of_what} ({percent_text(count / max(1, total))}); more than "
                f"{percent_text(share)} is seldom meant."
            )
    return None
