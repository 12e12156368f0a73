"""Bugs that were put in on purpose: a harness that misses one proves nothing."""

import errno
import os
import stat
from contextlib import ExitStack
from unittest.mock import patch

import core.actions.apply
import core.actions.planner
from core.actions.filesystem import Disk
from core.actions.journal import INTENT, SKIPPED, Journal

from .checks import Tally
from .disks import PowerCutDisk
from .interference import MEETINGS
from .runs import SCENARIOS, run_power_cuts, run_scenario


def harness_finds(*, all_of_it=False):
    """Runs a part of every harness until it finds something; returns the tally."""
    tally = Tally()
    for meeting in MEETINGS:
        meeting(tally)
    for scenario in SCENARIOS[:3]:
        for run, most in ((run_power_cuts, 12), (run_scenario, 24)):
            if all_of_it or not tally.all():
                run(scenario, most, tally)
    return tally


def _overwriting(disk, name, parent, new_name, new_parent):
    os.rename(name, new_name, src_dir_fd=parent, dst_dir_fd=new_parent)


def move_by_base_name():
    """Names decide, as in fastdup: two images of one name become one."""

    def by_base_name(planner, request, source, number):
        return f"files/{os.path.basename(source)}"

    return [
        patch.object(core.actions.planner._Planner, "_target", by_base_name),
        patch.object(Disk, "rename", _overwriting),
    ]


def copy_and_unlink_instead_of_rename():
    def copied(disk, name, parent, new_name, new_parent):
        source = os.open(name, os.O_RDONLY, dir_fd=parent)
        data = os.read(source, 2**20)
        os.close(source)
        os.unlink(name, dir_fd=parent)
        target = Disk.open_new(disk, new_name, new_parent)
        disk.write_all(target, data)
        os.close(target)

    return [patch.object(Disk, "rename", copied)]


def rename_that_overwrites():
    return [patch.object(Disk, "rename", _overwriting)]


def no_intent_record():
    whole = Journal.append

    def late(journal, records):
        entries = [*getattr(journal, "held", ()), *records]
        journal.held = []
        if {entry.get("state") for entry in entries} <= {INTENT, SKIPPED}:
            # Written with the outcome, when it is too late
            journal.held = entries
            return
        whole(journal, entries)

    return [patch.object(Journal, "append", late)]


def no_keeper_check():
    kept_copies = core.actions.apply._KeptCopies
    return [
        patch.object(kept_copies, "problem", lambda *_: None),
        patch.object(kept_copies, "stands", lambda *_: True),
    ]


def keeper_not_looked_at_again():
    kept_copies = core.actions.apply._KeptCopies
    return [patch.object(kept_copies, "stands", lambda *_: True)]


def no_look_after_the_rename():
    def blind(action, item, report):
        if item.target is not None:
            action.source.rename(item.source, action.target, item.target)

    return [patch.object(core.actions.apply, "_move", blind)]


def no_sync_of(kind):
    whole = PowerCutDisk.is_on_disk

    def not_all(disk, file):
        if not kind(os.fstat(file).st_mode):
            whole(disk, file)

    return [patch.object(PowerCutDisk, "is_on_disk", not_all)]


def no_sync_of_the_journal():
    return no_sync_of(stat.S_ISREG)


def no_sync_of_folders():
    return no_sync_of(stat.S_ISDIR)


def done_before_it_is_done():
    """The outcome is written before the renames are on the disk."""
    return [patch.object(core.actions.apply.OpenAction, "sync", lambda action: None)]


def errors_that_are_swallowed():
    whole = Disk.rename

    def quiet(disk, *names):
        try:
            whole(disk, *names)
        except OSError as error:
            if error.errno == errno.EEXIST:
                _overwriting(disk, *names)

    return [patch.object(Disk, "rename", quiet)]


SEEDED = {
    move_by_base_name: "lost",
    copy_and_unlink_instead_of_rename: "lost",
    rename_that_overwrites: "overwritten",
    errors_that_are_swallowed: "overwritten",
    no_intent_record: "disagreement",
    no_keeper_check: "last copy",
    keeper_not_looked_at_again: "last copy",
    no_look_after_the_rename: "other",
    no_sync_of_the_journal: "disagreement",
    no_sync_of_folders: "disagreement",
    done_before_it_is_done: "disagreement",
}
"""Each with the kind of violation by which it must be found."""


def with_bug(bug):
    """Returns what the harness finds while a bug is in the code."""
    with ExitStack() as stack:
        for change in bug():
            stack.enter_context(change)
        return harness_finds()
