"""Times whole scans beside fastdup and FiftyOne Brain, in turn, for speed.md.

    make bench BENCH=folder
    python benchmarks/speed.py FOLDER... [--rounds 3] [--scratch DIR] [--only winnow]

Every round runs each in a process of its own, one after the other, on the same
files; medians count. The first folder gets the stages and the rescans as well.
``speed_sets.py`` makes folders of several sizes. fastdup is installed by pip into an
environment of its own below ``--scratch``. The section of this kind of processor is
written anew; those of others stay.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from datetime import date
from importlib import metadata
from pathlib import Path
from typing import Any

from measuring import instructions, processor, write_section
from quality import environment

HERE = Path(__file__).resolve().parent
FASTDUP = "fastdup==2.54"
PRICE = 0.04
"""US dollars a vCPU-hour: about what the large clouds ask on demand."""

MANY = 12_000_000
WHOLE = ("start", "load", "scan")
"""What the folder command does: import, load the folder, scan and write fields."""

Rounds = list[dict[str, Any]]


def main() -> None:
    options = parsed()
    options.scratch.mkdir(parents=True, exist_ok=True)
    sets: dict[str, Rounds] = {}
    for folder in options.folders:
        jobs = [one for one in options.only if one != "brain" or not sets]
        rounds = sets.setdefault(folder.name, [])
        for number in range(options.rounds):
            rounds.append({job: run(job, folder, options.scratch) for job in jobs})
            print(folder.name, number + 1, json.dumps(rounds[-1]), flush=True)
    text = report(sets, options)
    print(text)
    write_section(HERE / "speed.md", instructions(), text)


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", type=Path, nargs="+", metavar="folder")
    parser.add_argument("--rounds", type=int, default=3)
    default = Path(tempfile.gettempdir()) / "winnow-bench"
    parser.add_argument("--scratch", type=Path, default=default)
    jobs = ["winnow", "fastdup", "brain"]
    parser.add_argument("--only", nargs="+", choices=jobs, default=jobs)
    return parser.parse_args()


def run(job: str, images: Path, scratch: Path) -> dict[str, Any]:
    folder = str(images.resolve())
    if job == "fastdup":
        python = environment(scratch, "fastdup", [FASTDUP])
        work = scratch / "fastdup-speed"
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir()
        script = HERE / "rivals" / "fastdup_speed.py"
        quietly([str(python), str(script), folder, str(work)])
        return {"scan": json.loads((work / "numbers.json").read_text())}
    out = scratch / f"{job}-speed.json"
    quietly([sys.executable, str(HERE / "speed_jobs.py"), job, folder, str(out)])
    return dict(json.loads(out.read_text()))


def quietly(command: list[str]) -> None:
    settings = {"OMP_NUM_THREADS": str(os.cpu_count())}
    done = subprocess.run(
        command,
        env=os.environ | settings,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    if done.returncode:
        sys.exit(f"{' '.join(command)}\n{done.stderr[-2000:]}")


def median(rounds: Rounds, job: str, steps: Sequence[str], what: str) -> float:
    """Returns the median of what some steps of a job took together."""
    return statistics.median(
        sum(float(one[job][step][what]) for step in steps) for one in rounds
    )


def report(sets: dict[str, Rounds], options: argparse.Namespace) -> str:
    folders = " ".join(folder.name for folder in options.folders)
    first = next(iter(sets.values()))
    return "\n".join(
        [
            f"{date.today()}, `python benchmarks/speed.py {folders} --rounds "
            f"{options.rounds}`, {processor()}, {os.cpu_count()} cores, Python "
            f"{platform.python_version()}, FiftyOne {metadata.version('fiftyone')}, "
            f"onnxruntime {metadata.version('onnxruntime')}, {FASTDUP}. Winnow: "
            "import, load the folder, scan, write all fields (the database's own "
            "process is not counted); fastdup: import and run.",
            "",
            *(compared(sets) if "fastdup" in options.only else ()),
            *detailed(first, "brain" in options.only),
        ]
    )


def compared(sets: dict[str, Rounds]) -> list[str]:
    rows = []
    for name, rounds in sets.items():
        images = rounds[0]["winnow"]["images"]
        ours = [median(rounds, "winnow", WHOLE, what) for what in ("cpu", "wall")]
        theirs = [median(rounds, "fastdup", ["scan"], what) for what in ("cpu", "wall")]
        peaks = [median(rounds, job, ["scan"], "peak") for job in ("winnow", "fastdup")]
        rows.append(
            f"| {name} | {images:,} | {1000 * ours[0] / images:.1f} | {ours[0]:.1f} | "
            f"{theirs[0]:.1f} | {theirs[0] / ours[0]:.2f} | {ours[1]:.1f} | "
            f"{theirs[1]:.1f} | {peaks[0]:,.0f} | {peaks[1]:,.0f} |"
        )
    return [
        "| set | images | CPU ms an image | CPU s | fastdup CPU s | ratio | wall s | "
        "fastdup wall s | peak MB | fastdup peak MB |",
        "| :-- | --: | --: | --: | --: | --: | --: | --: | --: | --: |",
        *rows,
        "",
    ]


def detailed(rounds: Rounds, with_brain: bool) -> list[str]:
    images = rounds[0]["winnow"]["images"]
    scan_cpu = median(rounds, "winnow", ["scan"], "cpu")

    def line(name: str, job: str, step: str) -> str:
        wall, cpu = (median(rounds, job, [step], what) for what in ("wall", "cpu"))
        return f"| {name} | {wall:.1f} | {cpu:.1f} | {cpu / scan_cpu:.3f} |"

    steps = {
        "scan, fields written": "scan",
        "scan again, nothing changed": "again",
        "scan of known pictures, as of a new data set": "known",
        "scan again with 1 % new images": "more",
        "load the folder into FiftyOne, once": "load",
        "import FiftyOne and the plugin": "start",
    }
    stages = {
        stage: statistics.median(one["winnow"]["stages"][stage] for one in rounds)
        for stage in rounds[0]["winnow"]["stages"]
    }
    whole = median(rounds, "winnow", WHOLE, "cpu")
    hours = whole / images * MANY / 3600
    brain = "FiftyOne Brain: near duplicates, of given vectors"
    return [
        "| of the first set | wall s | CPU s | CPU, share of a scan |",
        "| :-- | --: | --: | --: |",
        *(line(name, "winnow", step) for name, step in steps.items()),
        *([line(brain, "brain", "scan")] if with_brain else ()),
        "",
        "| stage of its scan | wall s |",
        "| :-- | --: |",
        *(f"| {stage} | {value:.1f} |" for stage, value in stages.items()),
        "",
        f"{MANY:,} images at the same cost an image: {hours:,.0f} vCPU-hours, "
        f"${hours * PRICE:,.2f} at ${PRICE} a vCPU-hour (the search grows a little "
        "faster than the images: see scale.md).",
    ]


if __name__ == "__main__":
    main()
