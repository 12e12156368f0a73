"""Times quarantine and undo of many files: python benchmarks/actions.py FOLDER

Makes FILES small files in FOLDER (on the disk to be measured) and a FiftyOne
data set of them, puts most into quarantine and back, and writes
benchmarks/actions.md. FiftyOne's database is the one that your environment
names; the data set is deleted afterwards.
"""

import os
import platform
import shutil
import sys
import time
from datetime import datetime, timezone
from pathlib import Path

import fiftyone as fo
import fiftyone.operators as foo
from measuring import peak_megabytes

FILES = int(os.environ.get("FILES", 100_000))
KEPT = 1_000
FILE_BYTES = 20_000
FOLDERS = 100
TABLE = Path(__file__).with_name("actions.md")


def main(folder):
    root = Path(folder).resolve() / "winnow-files"
    paths = make_files(root)
    dataset = fo.Dataset()
    dataset.add_samples([fo.Sample(filepath=path) for path in paths], progress=False)
    try:
        rows = measure(dataset)
        assert sorted(dataset.values("filepath")) == sorted(paths)
        assert all(map(os.path.exists, paths))
    finally:
        dataset.delete()
        shutil.rmtree(root.parent / ".winnow-quarantine")
        shutil.rmtree(root)
    TABLE.write_text(table(rows))
    print(table(rows))


def make_files(root):
    noise = os.urandom(FILE_BYTES - 8)
    paths = []
    for number in range(FILES + KEPT):
        path = root / f"{number % FOLDERS:03d}" / f"{number:06d}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(noise + number.to_bytes(8, "little"))
        paths.append(str(path))
    return paths


def measure(dataset):
    """Returns step, seconds and peak memory in MB after it."""
    quarantine = foo.get_operator("@winnow/curate/quarantine")
    undo = foo.get_operator("@winnow/curate/undo")
    rows = [("start", 0.0, peak_megabytes())]

    def timed(name, work):
        start = time.perf_counter()
        result = work()
        rows.append((name, time.perf_counter() - start, peak_megabytes()))
        return result

    view = dataset.limit(FILES)
    plan = timed("plan", lambda: quarantine(view, "view", progress=False))
    assert plan.count == FILES, plan
    report = timed(
        "quarantine",
        lambda: quarantine(
            dataset,
            plan_id=plan.plan_id,
            expect_count=FILES,
            dry_run=False,
            progress=False,
        ),
    )
    assert report.count == FILES, report
    report = timed("undo", lambda: undo(dataset, dry_run=False, progress=False))
    assert report.count == FILES, report
    return rows


def table(rows):
    lines = [
        "# How long actions take",
        "",
        "`python benchmarks/actions.py FOLDER`, "
        f"{datetime.now(timezone.utc):%Y-%m-%d}, FiftyOne {fo.__version__}, "
        f"Python {platform.python_version()}, "
        f"{os.cpu_count()} cores, {platform.system()}. {FILES:,} files of "
        f"{FILE_BYTES:,} bytes in {FOLDERS} folders, with their samples in a real "
        "database; each file read and hashed both ways, every step journaled and "
        "waited for.",
        "",
        "| step | seconds | ms a file | peak memory, MB |",
        "| :-- | --: | --: | --: |",
    ]
    lines += [
        f"| {name} | {seconds:.1f} | {1000 * seconds / FILES:.2f} | {memory:,.0f} |"
        for name, seconds, memory in rows
    ]
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    main(sys.argv[1])
