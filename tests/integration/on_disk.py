"""Actions on disk: how a test applies one, and what is there before and after."""

from pathlib import Path

import fiftyone.operators as foo


def operator(name):
    return foo.get_operator(f"@winnow/curate/{name}")


quarantine, move, retag, undo, purge = map(
    operator, ("quarantine", "move", "retag", "undo", "purge")
)


def files(dataset):
    """Path -> bytes, mode and time of every file under the data set's root."""
    inside = next(path for path in dataset.values("filepath") if "/data/" in path)
    root = Path(inside.split("/data/")[0]) / "data"
    return {
        str(path): (path.read_bytes(), path.stat().st_mode, path.stat().st_mtime_ns)
        for path in root.rglob("*")
        if path.is_file()
    }


def documents(dataset):
    found = {}
    for document in dataset._sample_collection.find().sort("_id"):
        document.pop("last_modified_at")
        found[document["_id"]] = document
    return found


def do(action, dataset, what, **options):
    """Applies what was planned, with the number repeated."""
    plan = action(dataset, what, progress=False, **options)
    return action(
        dataset,
        plan_id=plan.plan_id,
        expect_count=plan.count,
        dry_run=False,
        progress=False,
    )
