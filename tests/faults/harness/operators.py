"""The real operators on a real database, killed at a call.

FiftyOne is imported when this is: set up its environment before.
"""

import os
import signal
import sys
from functools import partial
from pathlib import Path

import fiftyone as fo
import fiftyone.operators as foo

CALLS = ("rename", "sync", "write", "make_folder")
IMAGES = 12
PLUGIN = "fiftyone.plugins.orgs.winnow.curate"
WAYS = {
    "quarantine": ("quarantine", {}),
    "quarantine and remove samples": ("quarantine", {"remove_samples": True}),
    "move": ("move", {"output_dir": "../aside"}),
}
"""What is done to the images tagged ``chosen``: operator and options."""


def operator(name):
    return foo.get_operator(f"@winnow/curate/{name}")


def labeled_images(folder):
    """Makes a data set of class folders, a third of which is to be acted on."""
    dataset = fo.Dataset()
    for number in range(IMAGES):
        label = "ab"[number % 2]
        path = folder / "data" / label / f"{number // 2}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"picture %d " % number * 99)
        dataset.add_sample(
            fo.Sample(
                filepath=str(path),
                ground_truth=fo.Classification(label=label),
                tags=["chosen"] if number < 4 else [],
            )
        )
    return dataset


def state_of(dataset):
    """All files with bytes, modes and times; all documents but their time."""
    root = Path(dataset.last().filepath).parents[1]
    files = {
        str(path): (path.read_bytes(), path.stat().st_mode, path.stat().st_mtime_ns)
        for path in root.rglob("*.png")
    }
    documents = {}
    for document in dataset._sample_collection.find():
        document.pop("last_modified_at")
        documents[document["_id"]] = document
    return files, documents


def in_a_child_that_dies(work, at):
    """Runs work in a child process that kills itself at a call.

    Returns:
        True if the child came that far
    """
    # Loaded as a plugin, under the name that FiftyOne gives it
    disk = sys.modules[f"{PLUGIN}.core.actions.filesystem"].Disk
    from pymongo.collection import Collection

    left = [at]

    def dying(method):
        def call(*args, **kwargs):
            left[0] -= 1
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return method(*args, **kwargs)

        return call

    child = os.fork()
    if child == 0:
        for name in CALLS:
            setattr(disk, name, dying(getattr(disk, name)))
        Collection.bulk_write = dying(Collection.bulk_write)
        try:
            work()
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


def agrees(dataset):
    """True if each sample points at a file, and its tag says where that is."""
    return all(
        Path(sample.filepath).exists()
        and ("/.winnow-quarantine/" in sample.filepath)
        == ("quarantined" in sample.tags)
        for sample in dataset
    )


def apply_plan(action, dataset, plan):
    return operator(action)(
        dataset,
        plan_id=plan.plan_id,
        expect_count=plan.count,
        dry_run=False,
        progress=False,
    )


def undo_what_was_done(dataset):
    """Undoes the last action; None if nothing had been done."""
    errors = sys.modules[f"{PLUGIN}.core.errors"]
    try:
        return operator("undo")(dataset, dry_run=False, progress=False)
    except errors.ActionError as error:
        assert "nothing to undo" in str(error)
        return None


def kill_applying(dataset, way, calls, tally):
    """Kills an action at each of some calls, then undoes it.

    Returns:
        at how many calls the process was killed
    """
    action, options = WAYS[way]
    before = state_of(dataset)
    killed = 0
    for at in calls:
        plan = operator(action)(dataset, "tag", tag="chosen", progress=False, **options)
        killed += in_a_child_that_dies(partial(apply_plan, action, dataset, plan), at)
        undone = undo_what_was_done(dataset)
        check(dataset, before, f"{way}, call {at}", tally)
        if undone is not None and undone.conflicts:
            tally.add("inexact undo", f"{way}, call {at}", [str(undone.conflicts)])
    tally.points[f"{way}, real database"] += killed
    return killed


def kill_undoing(dataset, calls, tally):
    """Kills an undo at each of some calls, then undoes again."""
    before = state_of(dataset)
    killed = 0
    for at in calls:
        plan = operator("quarantine")(dataset, "tag", tag="chosen", progress=False)
        apply_plan("quarantine", dataset, plan)
        killed += in_a_child_that_dies(partial(undo_what_was_done, dataset), at)
        undo_what_was_done(dataset)
        check(dataset, before, f"undo, call {at}", tally)
    tally.points["undo, real database"] += killed
    return killed


def check(dataset, before, where, tally):
    """Adds to the tally what is not as it was."""
    files, documents = state_of(dataset)
    if sorted(data for data, *_ in files.values()) != sorted(
        data for data, *_ in before[0].values()
    ):
        tally.add("lost", where, ["not all contents are there"])
    if files != before[0]:
        tally.add("inexact undo", where, ["a file is not as it was"])
    if documents != before[1]:
        tally.add("inexact undo", where, ["a sample is not as it was"])
    if not agrees(dataset):
        tally.add("disagreement", where, ["a sample points at no file"])
