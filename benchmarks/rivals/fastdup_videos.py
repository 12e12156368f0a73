"""Runs fastdup on videos: python fastdup_videos.py VIDEOS WORK

VIDEOS holds originals and their planted copies, as ``benchmarks/video.py`` names them
(``bikes.mp4``, ``bikes-mirrored.mp4``). fastdup takes their key frames, by ffmpeg, and
compares these as images. Two videos are a pair if as many of the frames of the one that
has fewer are like frames of the other. Prints how many planted pairs are found, and how
many pairs of different originals are taken for copies.
"""

from __future__ import annotations

import csv
import os
import resource
import sys
from collections import Counter, defaultdict
from pathlib import Path

os.environ["SENTRY_OPT_OUT"] = "1"
NEIGHBORS = (2, 20)
"""Of each frame: as it is by default, and more, since the next frames of a video are
the nearest."""

CUTS, SHARES = (0.9, 0.96), (0.0, 0.3)
ENDS = ("from", "to")


def main(videos: Path, work: Path) -> None:
    import fastdup

    names = sorted(path.name for path in videos.iterdir())
    fastdup.extract_video_frames(str(videos), str(work / "frames"), num_threads=1)
    folder = work / "frames" / "tmp"
    frames = Counter(_video(path, names) for path in folder.rglob("*.jpg"))
    print(f"{len(frames)} of {len(names)} videos, {frames.total()} frames: {_spent()}")
    for count in NEIGHBORS:
        out = work / f"neighbors-{count}"
        fastdup.run(str(folder), str(out), num_threads=1, nearest_neighbors_k=count)
        print(f"{count} neighbors: {_spent()} so far")
        with (out / "similarity.csv").open() as file:
            rows = list(csv.DictReader(file))
        for cut in CUTS:
            alike: dict[tuple[str, ...], set[str]] = defaultdict(set)
            for row in rows:
                ends = [(_video(Path(row[at]), names), row[at]) for at in ENDS]
                pair = tuple(sorted(name for name, _ in ends))
                shorter = min(pair, key=lambda name: frames[name])
                if float(row["distance"]) >= cut and pair[0] != pair[1]:
                    alike[pair].update(at for name, at in ends if name == shorter)
            for share in SHARES:
                print(f"  from {cut}, share {share}: {_told(alike, frames, share)}")


def _told(alike: dict[tuple[str, ...], set[str]], frames: Counter, share: float) -> str:
    found = [
        pair
        for pair, rows in alike.items()
        if len(rows) >= share * min(frames[name] for name in pair)
    ]
    origins = [tuple(Path(name).stem.split("-")[0] for name in pair) for pair in found]
    planted = sum(
        one == other and not all("-" in name for name in pair)
        for pair, (one, other) in zip(found, origins, strict=True)
    )
    wrong = sum(one != other for one, other in origins)
    return f"{planted} planted pairs, {wrong} of different originals"


def _video(frame: Path, names: list[str]) -> str:
    folder = frame.parent.name
    return max((name for name in names if folder.endswith(name)), key=len)


def _spent() -> str:
    used = [
        resource.getrusage(who)
        for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    ]
    return f"{sum(one.ru_utime + one.ru_stime for one in used):.0f} CPU-s"


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
