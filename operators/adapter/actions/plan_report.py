"""What an action would do, as a result that a person reads before it is done."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from ....core.actions.plan import ActionPlan, PlannedItem
from ....core.common.result import TableResult, json_value
from ....core.common.text import escape_markdown, plain, size_text
from ....core.errors import PlanOutdatedError
from .action_reports import (
    PATHS_SHOWN,
    VERBS,
    counts_text,
    plural,
    thing_of,
)


@dataclass(frozen=True)
class PlanReport(TableResult):
    """A plan, as a person sees it; nothing has been changed.

    Attributes:
        plan: see :class:`core.actions.plan.ActionPlan`
    """

    plan: ActionPlan

    @property
    def plan_id(self) -> str:
        """Id of the plan, to apply it."""
        return self.plan.id

    @property
    def action(self) -> str:
        """Name of the operator: quarantine, move, retag or merge."""
        return self.plan.action

    @property
    def count(self) -> int:
        """Images that would be changed."""
        return self.plan.count

    @property
    def moves(self) -> int:
        """Files among them that would be moved."""
        return self.plan.moves

    @property
    def bytes(self) -> int:
        """Size of those files."""
        return self.plan.bytes

    @property
    def classes(self) -> Mapping[str, int]:
        """Images by label."""
        return self.plan.classes

    @property
    def splits(self) -> Mapping[str, int]:
        """Images by split."""
        return self.plan.splits

    @property
    def skipped(self) -> Mapping[str, int]:
        """Images that would be left as they are, by reason."""
        return self.plan.refused

    @property
    def apply_call(self) -> str:
        """The Python call that applies it."""
        count = f", expect_count={self.count}" if self.plan.needs_count else ""
        return f"{self.action}(dataset, plan_id='{self.plan_id}'{count}, dry_run=False)"

    def items(self) -> Iterator[PlannedItem]:
        """Returns what would be changed, an image each.

        Raises:
            PlanOutdatedError: the plan was applied, or another took its place
        """
        if not self.plan.file.exists():
            raise PlanOutdatedError(
                f"The plan {self.plan_id} was applied or replaced, and its file is "
                "gone from where plans wait. What was done is in the journal: "
                "undo(dataset) lists it."
            )
        return self.plan.items()

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yields file, destination and reason of each image."""
        for item in self.items():
            yield {
                "file": os.path.join(self.plan.root, item.source),
                "destination": self._destination(item),
                "reason": item.why,
                "label": item.label,
                "split": item.split,
                "kept_copy": item.kept_copy and item.kept_copy.path,
            }

    def rows_to_show(self) -> Iterable[dict[str, Any]]:
        return self.rows() if self.plan.file.exists() else ()

    def to_dict(self) -> dict[str, Any]:
        """Returns all but the single images as plain JSON values."""
        return {
            "plan_id": self.plan_id,
            "action": self.action,
            "count": self.count,
            "moves": self.moves,
            "bytes": self.bytes,
            "classes": json_value(self.classes),
            "splits": json_value(self.splits),
            "skipped": json_value(self.skipped),
            "apply_call": self.apply_call,
        }

    def summary(self) -> str:
        """Returns what would happen, in a sentence."""
        plan = self.plan
        if not plan.count:
            return "Nothing would be changed."
        thing = thing_of(plan)
        sentence = f"{plan.count:,} {plural(thing, plan.count)} would be "
        sentence += VERBS[plan.action]
        if thing == "object":
            return sentence + "; no file is changed."
        if plan.action == "retag":
            moved = f"{plan.moves:,} of them also moved" if plan.moves else "none moved"
            sentence += f", {moved} on disk"
        elif plan.action != "merge":
            sentence += f" ({size_text(plan.bytes)})"
        if plan.options.get("remove_samples"):
            sentence += " and their samples removed from the data set"
        return sentence + "."

    def details(self) -> Iterator[str]:
        """Yields the classes, the splits and what is refused, a line each."""
        for name, counts in (
            ("Classes", self.plan.classes),
            ("Splits", self.plan.splits),
        ):
            if counts:
                yield f"{name}: {counts_text(counts)}"
        for reason, count in self.plan.refused.most_common():
            yield f"Skipped: {count:,}, because {reason}"

    def examples(self) -> Iterator[tuple[str, str, str]]:
        """Yields file, where it goes and why, for the first items that wait."""
        waiting = self.items() if self.plan.file.exists() else ()
        for item in islice(waiting, PATHS_SHOWN):
            yield item.source, self._destination(item), item.why

    def _destination(self, item: PlannedItem) -> str:
        if item.target is None:
            return "stays"
        return "quarantine" if self.action == "quarantine" else item.target

    def to_markdown(self) -> str:
        lines = [f"**{self.summary()}**", ""]
        lines += [f"* {escape_markdown(line)}" for line in self.details()]
        if self.plan.count:
            lines += ["", "| file | destination | reason |", "| :-- | :-- | :-- |"]
            lines += [
                "| " + " | ".join(escape_markdown(cell) for cell in row) + " |"
                for row in self.examples()
            ]
            lines += ["", f"Plan `{self.plan.id}`. Nothing has been changed yet."]
        return "\n".join(lines)

    def __str__(self) -> str:
        lines = [self.summary(), *(f"  {line}" for line in self.details())]
        if self.plan.count and self.plan.needs_count:
            lines.append(f"  {self.plan.needs_count}")
        for source, target, why in self.examples():
            lines.append(f"  {plain(source)} -> {plain(target)}: {plain(why)}")
        more = self.plan.count - PATHS_SHOWN
        if more > 0:
            lines.append(f"  and {more:,} more")
        if self.plan.count:
            lines.append(f"Nothing has been changed. To do it: {self.apply_call}")
        return "\n".join(lines)
