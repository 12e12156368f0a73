"""Times a whole scan beside fastdup and FiftyOne Brain, in turn, and writes speed.md.

    make bench BENCH=folder
    python benchmarks/speed.py FOLDER [--rounds 3] [--scratch DIR] [--only winnow]

Every round runs each in a process of its own, one after the other, on the same
files; medians count. fastdup is installed by pip into an environment of its own
below ``--scratch``.
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
from datetime import date
from importlib import metadata
from pathlib import Path
from typing import Any

from quality import environment

HERE = Path(__file__).resolve().parent
FASTDUP = "fastdup==2.54"
PRICE = 0.04
"""US dollars a vCPU-hour: about what the large clouds ask on demand."""

MANY = 12_000_000
RIVALS = {
    "fastdup": "fastdup: run",
    "brain": "FiftyOne Brain: near duplicates, of given vectors",
}


def main() -> None:
    options = parsed()
    options.scratch.mkdir(parents=True, exist_ok=True)
    rounds = []
    for number in range(options.rounds):
        rounds.append({job: run(job, options) for job in options.only})
        print(number + 1, json.dumps(rounds[-1]), flush=True)
    table = report(rounds, options)
    print(table)
    HERE.joinpath("speed.md").write_text(table)


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    default = Path(tempfile.gettempdir()) / "winnow-bench"
    parser.add_argument("--scratch", type=Path, default=default)
    jobs = ["winnow", "large", *RIVALS]
    parser.add_argument("--only", nargs="+", choices=jobs, default=jobs)
    return parser.parse_args()


def run(job: str, options: argparse.Namespace) -> dict[str, Any]:
    folder = str(options.folder.resolve())
    if job == "fastdup":
        python = environment(options.scratch, "fastdup", [FASTDUP])
        work = options.scratch / "fastdup-speed"
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir()
        script = HERE / "rivals" / "fastdup_speed.py"
        quietly([str(python), str(script), folder, str(work)])
        return {"scan": json.loads((work / "numbers.json").read_text())}
    out = options.scratch / f"{job}-speed.json"
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


def median(rounds: list[dict[str, Any]], *keys: str) -> float:
    def of(one: Any) -> float:
        for key in keys:
            one = one[key]
        return float(one)

    return statistics.median(of(one) for one in rounds)


def report(rounds: list[dict[str, Any]], options: argparse.Namespace) -> str:
    images = int(median(rounds, "winnow", "images"))
    cores = os.cpu_count() or 1

    def line(name: str, *keys: str, peak: bool = False) -> str:
        wall, cpu = (median(rounds, *keys, what) for what in ("wall", "cpu"))
        ratio = cpu / median(rounds, "winnow", "scan", "cpu")
        memory = f"{median(rounds, *keys, 'peak'):,.0f}" if peak else ""
        speed = images / wall / cores
        return (
            f"| {name} | {wall:.1f} | {cpu:.1f} | {1000 * cpu / images:.2f} | "
            f"{speed:,.0f} | {ratio:.2f} | {memory} |"
        )

    rivals = [
        line(name, job, "scan", peak=True)
        for job, name in RIVALS.items()
        if job in options.only
    ]
    seconds = {
        stage: median(rounds, "winnow", "stages", stage)
        for stage in rounds[0]["winnow"]["stages"]
    }
    cpu = median(rounds, "winnow", "scan", "cpu")
    hours = cpu / images * MANY / 3600
    return "\n".join(
        [
            "# How long a scan takes",
            "",
            f"{date.today()}, `make bench BENCH={options.folder.name}`, {images:,} "
            f"images, {cores} cores, Python {platform.python_version()}, FiftyOne "
            f"{metadata.version('fiftyone')}, onnxruntime "
            f"{metadata.version('onnxruntime')}, {FASTDUP}. Medians of {len(rounds)} "
            "runs, in turn, each in a process of its own. Absolute times belong to "
            "this machine: compare the ratios of CPU seconds.",
            "",
            "| job | wall s | CPU s | CPU ms an image | images a second and core | "
            "CPU, ratio to a scan | peak memory MB |",
            "| :-- | --: | --: | --: | --: | --: | --: |",
            line("Winnow: scan, fields written", "winnow", "scan", peak=True),
            *rivals,
            line("Winnow: scan again, nothing changed", "winnow", "again"),
            line("Winnow: scan again with 1 % new images", "winnow", "more"),
            line("Winnow: load the folder into FiftyOne, once", "winnow", "load"),
            line("Winnow: import FiftyOne and the plugin", "winnow", "start"),
            "",
            "| stage of a scan | wall s |",
            "| :-- | --: |",
            *(f"| {stage} | {value:.1f} |" for stage, value in seconds.items()),
            "",
            *large_photos(rounds, options),
            f"{MANY:,} images at the same cost an image: {hours:,.0f} vCPU-hours, "
            f"${hours * PRICE:,.2f} at ${PRICE} a vCPU-hour (the search grows a little "
            "faster than the images: see scale.md).",
            "",
        ]
    )


def large_photos(
    rounds: list[dict[str, Any]], options: argparse.Namespace
) -> list[str]:
    if "large" not in options.only:
        return []
    count = median(rounds, "large", "images")
    wall, cpu = (median(rounds, "large", "scan", what) for what in ("wall", "cpu"))
    megabytes = median(rounds, "large", "megabytes") / count
    return [
        f"Photographs of 12 megapixels, {megabytes:.1f} MB each as JPEG: read and "
        f"embedded {count / wall:.0f} a second on {os.cpu_count()} cores, "
        f"{1000 * cpu / count:.0f} CPU ms each.",
        "",
    ]


if __name__ == "__main__":
    main()
