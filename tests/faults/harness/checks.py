"""What must hold, whatever happened. Each check adds to a tally of violations."""

import os
from collections import Counter
from dataclasses import dataclass, field

from core.actions.journal import DONE, PURGED, PURGING, SKIPPED, UNDONE
from core.actions.recovery import is_unfinished
from core.actions.session import changes, states

KINDS = ("lost", "overwritten", "last copy", "disagreement", "inexact undo", "other")


@dataclass
class Tally:
    """Fault points tried, and what went wrong.

    Attributes:
        points: by the kind of the fault
        violations: a sentence each, by kind
    """

    points: Counter = field(default_factory=Counter)
    violations: dict = field(default_factory=lambda: {kind: [] for kind in KINDS})

    def add(self, kind, where, sentences):
        self.violations[kind] += [f"{where}: {sentence}" for sentence in sentences]

    def all(self):
        return [
            f"{k}: {text}" for k, texts in self.violations.items() for text in texts
        ]

    def merge(self, other):
        self.points += other.points
        for kind, texts in other.violations.items():
            self.violations[kind] += texts


def check_always(world, tally, where, purged=Counter()):
    """Nothing is lost and no cluster without a copy: at any moment."""
    tally.add("lost", where, [repr(data[:8]) for data in world.lost(purged)])
    tally.add("overwritten", where, map(repr, world.overwritten()))
    tally.add("last copy", where, map(repr, world.without_copy()))


def check_settled(world, tally, where, purged=Counter()):
    """No action is half done: journal, disk and data set say the same."""
    check_always(world, tally, where, purged)
    for folder in world.actions():
        if is_unfinished(folder):
            tally.add("other", where, [f"{folder.key} is unfinished"])
        elif folder.journal.exists():
            tally.add("disagreement", where, _journal_disagrees(world, folder))
    tally.add("disagreement", where, world.disagreements())


def check_report(tally, where, report):
    """Every planned item is counted once."""
    counted = report.done + sum(report.skipped.values())
    counted += sum(report.conflicts.values())
    if report.not_reached < 0 or counted + report.not_reached != report.planned:
        tally.add("other", where, [f"the counts do not add up: {report}"])
    if report.not_reached and not report.stopped:
        tally.add("other", where, [f"{report.not_reached} items are not spoken of"])


def purged_contents(world):
    """Counts the bytes that a journal says were, or may have been, destroyed."""
    found = Counter()
    for folder in world.actions():
        if folder.journal.exists():
            for batch in changes(folder, (PURGING, PURGED)):
                for change in batch:
                    found[world.tree[change.item.source][0]] += 1
    return found


def _journal_disagrees(world, folder):
    last = states(folder)
    target_root = folder.target_root
    for item in folder.plan.items():
        if item.target is None:
            continue
        there = os.path.lexists(f"{target_root}/{item.target}")
        here = os.path.lexists(f"{folder.plan.root}/{item.source}")
        state = last.get(item.number)
        if state == DONE and not there:
            yield f"{item.source!r} is done in the journal but was not moved"
        if state in (None, SKIPPED, UNDONE) and not here:
            yield f"{item.source!r} is {state} in the journal but was moved"
        if state == PURGED and there:
            yield f"{item.source!r} is purged in the journal but is there"
