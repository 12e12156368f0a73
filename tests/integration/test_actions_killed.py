"""The real operators, killed at a call; the real mongod, killed in between."""

import os
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import fiftyone as fo
import fiftyone.operators as foo
import pytest

pytestmark = pytest.mark.integration

CALLS = ("rename", "sync", "write", "make_folder")
IMAGES = 12
KILLED_AT = range(1, 33, 3)


def operator(name):
    return foo.get_operator(f"@winnow/curate/{name}")


@pytest.fixture
def labelled(tmp_path, draw):
    """A data set of class folders, a third of which is to be acted on."""
    dataset = fo.Dataset()
    for number in range(IMAGES):
        folder = tmp_path / "data" / "ab"[number % 2]
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{number // 2}.png"
        draw(number).save(path)
        label = fo.Classification(label="ab"[number % 2])
        tags = ["chosen"] if number < 4 else []
        dataset.add_sample(
            fo.Sample(filepath=str(path), ground_truth=label, kind="ab", tags=tags)
        )
    yield dataset
    dataset.delete()


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
    disk = sys.modules["fiftyone.plugins.orgs.winnow.curate.core.actions.disk"].Disk
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
    errors = sys.modules["fiftyone.plugins.orgs.winnow.curate.core.errors"]
    try:
        return operator("undo")(dataset, dry_run=False, progress=False).report
    except errors.ActionError as error:
        assert "nothing to undo" in str(error)
        return None


@pytest.mark.filterwarnings("ignore:MongoClient opened before fork")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded")
@pytest.mark.parametrize("action", ["quarantine", "quarantine and remove", "move"])
def test_killed_anywhere_the_operator_loses_nothing(labelled, action, tmp_path):
    name = action.split()[0]
    options = {"to": str(tmp_path / "aside")} if name == "move" else {}
    options["remove_samples"] = action.endswith("remove")
    before = state_of(labelled)
    killed = 0
    for at in KILLED_AT:
        plan = operator(name)(labelled, "tag", tag="chosen", progress=False, **options)

        killed += in_a_child_that_dies(partial(apply_plan, name, labelled, plan), at)
        undone = undo_what_was_done(labelled)

        assert agrees(labelled), at
        assert undone is None or undone.conflicts == {}, at
        assert state_of(labelled) == before, at
    assert killed >= 6


@pytest.mark.filterwarnings("ignore:MongoClient opened before fork")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded")
def test_an_undo_that_was_killed_is_finished_by_the_next(labelled):
    before = state_of(labelled)
    killed = 0
    for at in KILLED_AT:
        plan = operator("quarantine")(labelled, "tag", tag="chosen", progress=False)
        apply_plan("quarantine", labelled, plan)

        killed += in_a_child_that_dies(partial(undo_what_was_done, labelled), at)
        undo_what_was_done(labelled)

        assert agrees(labelled), at
        assert state_of(labelled) == before, at
    assert killed >= 6


def test_a_database_that_dies_in_the_middle_is_caught_up_with(tmp_path, draw):
    """Files that were moved when mongod died are moved, and come back."""
    root = tmp_path / "data"
    root.mkdir()
    for number in range(IMAGES):
        draw(number).save(root / f"{number}.png")
    script = Path(__file__).with_name("mongod_dies.py")

    ran = subprocess.run(
        [sys.executable, script, root, tmp_path],
        capture_output=True,
        text=True,
        timeout=180,
    )

    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert sorted(path.name for path in root.iterdir()) == sorted(
        f"{number}.png" for number in range(IMAGES)
    )
