"""Tries every fault there is and writes the table: make faults

Every number in it is counted while this runs. ROWS has what is tried; a row
for another harness (an operator with a real database) is a name and a
function that fills a Tally.
"""

import platform
import shutil
import subprocess
import sys
import time
from datetime import datetime, timezone
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(Path(__file__).parent)]

from harness.checks import KINDS, Tally  # noqa: E402
from harness.interference import MEETINGS  # noqa: E402
from harness.runs import (  # noqa: E402
    ACTS,
    SCENARIOS,
    run_kills_then_power_cuts,
    run_power_cuts,
    run_scenario,
)
from harness.seeded import SEEDED, with_bug  # noqa: E402
from harness.world import fresh_world, scratch_folder, snapshot  # noqa: E402

TABLE = ROOT / "benchmarks" / "faults.md"
EVERY = 10**9
HEADINGS = {
    "lost": "files lost",
    "overwritten": "files overwritten",
    "last copy": "last copies removed",
    "disagreement": "data set and disk disagree",
    "inexact undo": "undo not exact",
    "other": "other",
}


def every_call(tally):
    for scenario in SCENARIOS:
        run_scenario(scenario, EVERY, tally)


def every_power_cut(tally):
    for scenario in SCENARIOS:
        run_power_cuts(scenario, EVERY, tally)


def kills_and_power_cuts(tally, most):
    for name in ACTS:
        run_kills_then_power_cuts(name, most, tally)


def a_person(tally):
    for meeting in MEETINGS:
        meeting(tally)


def real_operators(tally):
    """In FiftyOne, with a mongod of their own."""
    import tempfile

    sys.path.insert(0, str(ROOT / "tests"))
    import sandbox
    from harness.operators import WAYS, kill_applying, kill_undoing, labeled_images

    try:
        for way in WAYS:
            with tempfile.TemporaryDirectory() as folder:
                dataset = labeled_images(Path(folder))
                kill_applying(dataset, way, range(1, 40), tally)
                kill_undoing(dataset, range(1, 40), tally)
    finally:
        sandbox.stop()


ROWS = {
    "SIGKILL of the process, or an error of the disk (ENOSPC, EIO, EACCES, EROFS, "
    "EXDEV), before, in or after every system call": every_call,
    "power cut at every system call, what was not synced taken back": every_power_cut,
    "killed, and power cut while that is recovered from": partial(
        kills_and_power_cuts, most=14
    ),
    "a person edits, deletes or creates files at the same moment": a_person,
    "SIGKILL of the real operators, on a real MongoDB": real_operators,
}


def moved_by_base_name():
    """Returns how many files a plain move to the base name loses, and of how many.

    fastdup 2.x moves with ``os.rename(file, os.path.join(folder,
    os.path.basename(file)))``: that line, on the images of the same tree.
    """
    with fresh_world() as world:
        folder = world.base / "moved"
        folder.mkdir()
        for path in world.ids:
            source = world.root / path
            source.rename(folder / source.name)
        here = [data for data, _, _ in snapshot(world.root)[0].values()]
        there = [data for data, _, _ in snapshot(folder)[0].values()]
        return len(world.tree) - len(here) - len(there), len(world.ids)


def main():
    start, version = time.monotonic(), commit()
    results = {}
    for name, fill in ROWS.items():
        fill(tally := Tally())
        results[name] = tally
        print(f"{sum(tally.points.values()):>6,} {name}", flush=True)
    caught = [bug for bug, kind in SEEDED.items() if with_bug(bug).violations[kind]]
    minutes = (time.monotonic() - start) / 60
    TABLE.write_text(table(results, caught, minutes, version))
    found = [text for tally in results.values() for text in tally.all()]
    print(*found[:20], sep="\n")
    return 1 if found or len(caught) < len(SEEDED) else 0


def table(results, caught, minutes, version):
    whole = Tally()
    for tally in results.values():
        whole.merge(tally)
    lost, moved = moved_by_base_name()
    lines = [
        "# Faults tried on disk actions",
        "",
        f"`make faults`, {datetime.now(timezone.utc):%Y-%m-%d}, commit {version}, "
        f"Python {platform.python_version()}, {platform.system()} "
        f"{platform.release()}, files on {file_system()}, {minutes:.1f} minutes. "
        "Every number was counted in that run.",
        "",
        "At each point a small data set is built (copies in several class folders, "
        "equal base names, names with line breaks, quotes, bytes that are not UTF-8 "
        "and 255 bytes, distinct modes and times, one file of two samples), an action "
        "is done and fails at that point. Then it is recovered and checked, undone "
        "and checked: bytes, names, modes and times of all files, and every sample.",
        "",
        "| fault | points | " + " | ".join(HEADINGS[kind] for kind in KINDS) + " |",
        "| :-- | --: |" + " --: |" * len(KINDS),
    ]
    for name, tally in [*results.items(), ("**all**", whole)]:
        counts = [len(tally.violations[kind]) for kind in KINDS]
        points = f"{sum(tally.points.values()):,}"
        lines.append(f"| {name} | {points} | " + " | ".join(map(str, counts)) + " |")
    lines += [
        "",
        f"For comparison, a plain `os.rename` to the base name, as fastdup moves "
        f"(our re-creation of that line), on the same tree and without any fault: "
        f"**{lost} of {moved} files lost**.",
        "",
        "## By action",
        "",
        "| fault and action | points |",
        "| :-- | --: |",
        *(f"| {name} | {count:,} |" for name, count in sorted(whole.points.items())),
        "",
        "## Bugs put in on purpose",
        "",
        f"{len(caught)} of {len(SEEDED)} were caught by the same harness:",
        "",
        *(
            f"* {'caught' if bug in caught else '**missed**'}: "
            f"{bug.__name__.replace('_', ' ')}"
            for bug in SEEDED
        ),
        "",
        "## What this does not show",
        "",
        "The power cut is simulated in the file system's own terms (names are safe "
        "when their folder was synced, bytes when their file was); a disk that lies "
        "about that is not covered. Nor are network file systems without atomic "
        "renames, another process of the administrator that changes bytes in place "
        "and puts the time back, or a file that was purged: there is no undo of that.",
        "",
    ]
    return "\n".join(lines)


def commit():
    git = shutil.which("git")
    if git is None:
        return "unknown"
    command = [git, "-C", str(ROOT), "describe", "--always", "--dirty"]
    return subprocess.run(command, capture_output=True, text=True).stdout.strip()


def file_system():
    folder = scratch_folder() or "/tmp"
    with open("/proc/mounts") as mounts:
        found = [line.split()[1:3] for line in mounts]
    return max((len(place), kind) for place, kind in found if folder.startswith(place))[
        1
    ]


if __name__ == "__main__":
    sys.exit(main())
