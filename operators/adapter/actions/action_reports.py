"""What a person reads of what was done, and of what could be undone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ....core.actions.plan import ActionPlan
from ....core.actions.purge import PurgePlan
from ....core.actions.session import Report
from ....core.common.result import Result, TableResult, json_value
from ....core.common.text import escape_markdown, first_of, plain, size_text
from .execute import PastAction
from .object_updates import OBJECTS

GROUPS_SHOWN = 12
PATHS_SHOWN = 10
VERBS = {
    "quarantine": "put into quarantine",
    "move": "moved",
    "retag": "given another label",
    "merge": "given what their copies carry",
    "remove_objects": "removed from the data set",
}


def thing_of(plan: ActionPlan) -> str:
    """Returns what a plan is about: an image or an object."""
    return "object" if plan.options.get(OBJECTS) else "image"


@dataclass(frozen=True)
class ActionReport(Result):
    """What an action, an undo or a purge did.

    Attributes:
        outcome: see :class:`core.actions.session.Report`
        undo_call: the Python call that goes back; None after a purge, and where
            nothing was planned
        thing: what was acted on
    """

    outcome: Report
    undo_call: str | None
    thing: str = "image"

    @property
    def key(self) -> str:
        """Names the action, for its undo."""
        return self.outcome.key

    @property
    def action(self) -> str:
        """Name of the operator that acted first, also of an undo."""
        return self.outcome.action

    @property
    def planned(self) -> int:
        """Images of the plan."""
        return self.outcome.planned

    @property
    def count(self) -> int:
        """Images that were changed."""
        return self.outcome.done

    @property
    def moves(self) -> int:
        """Files among them that were moved."""
        return self.outcome.moves

    @property
    def bytes(self) -> int:
        """Size of those files."""
        return self.outcome.bytes

    @property
    def skipped(self) -> Mapping[str, int]:
        """Images that were left as they were, by reason."""
        return self.outcome.skipped

    @property
    def conflicts(self) -> Mapping[str, int]:
        """Images in which something else came between, by reason."""
        return self.outcome.conflicts

    @property
    def folder(self) -> str:
        """Folder with the journal and restore.py."""
        return self.outcome.folder

    def to_dict(self) -> dict[str, Any]:
        found: dict[str, Any] = json_value(self.outcome)
        count, kind = found.pop("done"), found.pop("what")
        not_reached = self.outcome.not_reached
        return {
            "count": count,
            **found,
            "kind": kind,
            "not_reached": not_reached,
            "undo_call": self.undo_call,
        }

    def summary(self) -> str:
        """Returns what happened, in a sentence."""
        report = self.outcome
        if report.what == "apply" and not report.planned:
            return "Nothing was changed: the plan was empty."
        images = f"{report.done:,} {plural(self.thing, report.done)}"
        size = size_text(report.bytes)
        if report.what == "undo":
            return f"Restored {images} of {report.key}."
        if report.what == "purge":
            return f"Deleted {report.done:,} quarantined files; {size} are free now."
        verb = VERBS[report.action]
        files = f"{report.moves:,} {plural('file', report.moves)}"
        moved = f" ({files}, {size})" if report.moves else ""
        return f"{images} {_were(report.done)} {verb}{moved}."

    def details(self) -> Iterator[str]:
        """Yields what was left alone and what comes next, a line each."""
        report = self.outcome
        yield from report.recovered
        for counts, word in (
            (report.skipped, "Left alone"),
            (report.conflicts, "Conflict"),
        ):
            for reason, count in counts.items():
                yield f"{word}: {count:,}, because {reason}"
        for path, reason in report.examples[:PATHS_SHOWN]:
            yield f"{plain(path)}: {reason}"
        if report.stopped:
            yield f"{report.stopped} {report.not_reached:,} items were not reached."
        if report.what == "apply":
            if report.action == "quarantine" and report.done:
                yield "No space is free yet: that takes a purge, after 7 days."
            if report.folder:
                yield f"Journal, and restore.py: {report.folder}"

    def to_markdown(self) -> str:
        lines = [f"**{self.summary()}**", ""]
        lines += [f"* {escape_markdown(line)}" for line in self.details()]
        if self.undo_call:
            lines += [
                "",
                "To undo: *Undo*, in the panel's tab *Actions*; in Python:",
            ]
            lines.append("")
            lines += [f"    {self.undo_call}"]
        return "\n".join(lines)

    def __str__(self) -> str:
        lines = [self.summary(), *(f"  {line}" for line in self.details())]
        if self.undo_call:
            lines.append(f"To undo: {self.undo_call}")
        return "\n".join(lines)


@dataclass(frozen=True)
class PurgeReport(Result):
    """What a purge would destroy; nothing has been changed.

    Attributes:
        plan: see :class:`core.actions.purge.PurgePlan`
        apply_call: the Python call that destroys
    """

    plan: PurgePlan
    apply_call: str

    @property
    def plan_id(self) -> str:
        """Id of the plan, to apply it."""
        return self.plan.id

    @property
    def count(self) -> int:
        """Files that would be destroyed."""
        return self.plan.count

    @property
    def bytes(self) -> int:
        """Size of those files."""
        return self.plan.bytes

    def to_dict(self) -> dict[str, Any]:
        return {
            "plan_id": self.plan_id,
            "count": self.count,
            "bytes": self.bytes,
            "keys": [folder.key for folder in self.plan.folders],
            "kept": json_value(self.plan.kept),
            "apply_call": self.apply_call,
        }

    def summary(self) -> str:
        """Returns what would happen, in a sentence."""
        if not self.count:
            return "There is nothing to destroy."
        return (
            f"{self.count:,} quarantined files ({size_text(self.plan.bytes)}) would be "
            "destroyed for good, and the samples that still point at them removed."
        )

    def details(self) -> Iterator[str]:
        """Yields what would go and what is kept, a line each."""
        for folder in self.plan.folders:
            yield f"{folder.key}: {folder.plan.options['what'].replace('_', ' ')}"
        for reason, count in self.plan.kept.items():
            yield f"Kept: {count:,} {plural('action', count)} {reason}"

    def __str__(self) -> str:
        lines = [self.summary(), *(f"  {line}" for line in self.details())]
        if self.count:
            lines.append(f"Nothing has been changed. To do it: {self.apply_call}")
        return "\n".join(lines)


@dataclass(frozen=True)
class UndoReport(TableResult):
    """What could be put back; nothing has been changed.

    Attributes:
        history: everything that was done, newest first
        key: key of the action that would be undone
    """

    history: list[PastAction]
    key: str

    @property
    def count(self) -> int:
        """Images that would be restored."""
        return next(past.undoable for past in self.history if past.key == self.key)

    def summary(self) -> str:
        """Returns what would happen, in a sentence."""
        images = f"{self.count:,} {plural('image', self.count)}"
        return f"{images} of {self.key} would be restored."

    def details(self) -> Iterator[str]:
        """Yields what was done, newest first, and how to undo."""
        yield "What was done, newest first:"
        for past in self.history:
            yield f"{past.key}  {past_text(past)}"
        yield (
            f"Nothing has been changed. To undo: undo(dataset, '{self.key}', "
            "dry_run=False)"
        )

    def rows(self) -> list[dict[str, Any]]:
        """Returns the history, an action each."""
        return [json_value(past) for past in self.history]


def past_text(past: PastAction) -> str:
    """Returns a line of the history."""
    what = past.what.replace("_", " ")
    if past.damage is not None:
        return (
            f"{past.action} of {what}: {past.items:,} images. Its journal cannot be "
            f"read, so Winnow leaves it alone; its files and restore.py are in "
            f"{past.folder}"
        )
    text = f"{past.at[:16].replace('T', ' ')}  {past.action} of {what}: "
    text += f"{past.items:,} {plural('image', past.items)}, {size_text(past.bytes)}"
    if past.purged:
        text += f"; {past.purged:,} destroyed"
    if past.undoable != past.items - past.purged:
        text += f"; {past.undoable:,} can be restored"
    if past.unfinished:
        text += "; interrupted"
    return text


def counts_text(counts: Mapping[str, int]) -> str:
    """Returns "cat 12, dog 3 and 4 more"."""
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return first_of([f"{name} {count:,}" for name, count in ordered], GROUPS_SHOWN)


def plural(word: str, count: int) -> str:
    return word if count == 1 else f"{word}s"


def _were(count: int) -> str:
    return "was" if count == 1 else "were"
