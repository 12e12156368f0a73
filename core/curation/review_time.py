"""How long it takes a person to look at what no rule can decide."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

SECONDS_A_QUESTION = 4
"""With the keys of the review. Not measured on people: 243 clusters in 15 minutes, as
is aimed at, are 3.7 seconds each."""


@dataclass(frozen=True)
class ToReview:
    """Questions of one kind.

    Attributes:
        finding: its name
        label: in words
        count: questions: images, or clusters of copies
    """

    finding: str
    label: str
    count: int

    @property
    def minutes(self) -> int:
        """Minutes that the review takes, rounded up."""
        return math.ceil(self.count * SECONDS_A_QUESTION / 60)

    @property
    def is_short(self) -> bool:
        """True if it takes less than a minute: several of them may fit into one."""
        return self.count * SECONDS_A_QUESTION < 60


def total_minutes(reviews: Iterable[ToReview]) -> int:
    """Returns the minutes of all reviews together, rounded up."""
    seconds = sum(one.count for one in reviews) * SECONDS_A_QUESTION
    return math.ceil(seconds / 60)
