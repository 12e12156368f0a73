"""How the data set follows the files: what its side must be able to do.

The disk comes first: a sample is changed when its file has moved, and if the
two disagree after a crash, it is the sample that is mended. Every call may
be made again for the same changes and then changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from .plan import PlannedItem


@dataclass(frozen=True, slots=True)
class Change:
    """An item as it was changed.

    Attributes:
        item: with the file's identity and SHA-256 at the moment of the move
        before: what the data set's side needs to go back; JSON
    """

    item: PlannedItem
    before: Any


class Records(Protocol):
    """The data set's side of one action."""

    def before(self, items: Sequence[PlannedItem]) -> list[Any]:
        """Returns what is needed to go back, or why an item cannot be changed.

        A ``str`` is a reason; anything else is kept in the journal as JSON.
        """

    def follow(self, changes: Sequence[Change]) -> None:
        """Puts the action's values on the samples; durable on return."""

    def go_back(self, changes: Sequence[Change]) -> list[str | None]:
        """Puts the old values back; durable on return.

        Returns:
            for each change why a value was left as it is, or None
        """

    def forget(self, changes: Sequence[Change]) -> None:
        """Removes what still refers to files that were destroyed."""

    def places(self, samples: Sequence[str]) -> dict[str, str]:
        """Returns the path of each sample that still exists, by its id."""
