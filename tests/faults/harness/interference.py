"""A person who works on the files while an action does.

Each function lets an action and a person meet, and adds what went wrong to a
tally. The seeded bugs must be caught by these, or by the Nth-call loops.
"""

from core.actions.filesystem import Disk

from .checks import check_always
from .disks import FaultyDisk
from .runs import apply, undo_last
from .world import fresh_world, small_batches

VICTIM = "val/cat/img_0001.jpg"
KEEPER = "train/cat/img_0001.jpg"


def keeper_deleted_after_the_plan(tally):
    with _meeting(tally) as (world, where):
        plan = world.plan_quarantine()
        world.user_deletes(KEEPER)
        apply(world, plan, Disk())
        check_always(world, tally, where)


def keeper_deleted_at_the_rename(tally):
    with _meeting(tally) as (world, where):
        plan = world.plan_quarantine()
        disk = at_first("rename", lambda: world.user_deletes(KEEPER))
        apply(world, plan, disk)
        check_always(world, tally, where)


def new_file_at_the_target(tally):
    with _meeting(tally) as (world, where):
        plan = world.plan_retag()
        taken = "train/cat/img_0001-2.jpg"
        disk = at_first("rename", lambda: world.user_writes(taken, b"mine"))
        apply(world, plan, disk)
        check_always(world, tally, where)


def new_file_at_the_old_place(tally):
    with _meeting(tally) as (world, where):
        apply(world, world.plan_quarantine(), Disk())
        kept = world.tree[VICTIM]
        disk = at_first("rename", lambda: world.put(VICTIM, b"mine"))
        undo_last(world, None, disk)
        # Both exist: what the person saved, and what was put away
        world.tree[VICTIM] = (b"mine", *kept[1:])
        world.tree["put away"] = kept
        check_always(world, tally, where)


def edited_after_the_plan(tally):
    with _meeting(tally) as (world, where):
        plan = world.plan_quarantine()
        world.user_writes(VICTIM, b"an edit")
        apply(world, plan, Disk())
        _stays(world, tally, where)


def replaced_at_the_rename(tally):
    with _meeting(tally) as (world, where):
        plan = world.plan_quarantine()
        disk = at_first("rename", lambda: world.user_writes(VICTIM, b"a new one"))
        apply(world, plan, disk)
        _stays(world, tally, where)


MEETINGS = (
    keeper_deleted_after_the_plan,
    keeper_deleted_at_the_rename,
    new_file_at_the_target,
    new_file_at_the_old_place,
    edited_after_the_plan,
    replaced_at_the_rename,
)


def _stays(world, tally, where):
    check_always(world, tally, where)
    if not (world.root / VICTIM).exists():
        tally.add("other", where, ["a file that nobody looked at was moved"])


class _meeting:
    """A fresh world, counted as one fault point."""

    def __init__(self, tally):
        self._tally = tally

    def __enter__(self):
        self._batches = small_batches()
        self._world = fresh_world()
        self._batches.__enter__()
        self._tally.points["a person interferes"] += 1
        return self._world.__enter__(), "a person interferes"

    def __exit__(self, *error):
        self._world.__exit__(*error)
        self._batches.__exit__(*error)


def at_first(call, person):
    """Returns a disk during whose first such call a person does something."""
    disk = FaultyDisk()

    def once(*_):
        del disk.hooks[call]
        person()

    disk.hooks[call] = once
    return disk
