"""What a scan says of sets with planted problems, and of sets with none.

    python benchmarks/overview.py FOLDER [--trials 200] [--images 480]

FOLDER holds a folder a class. Writes the tables of overview.md to the console.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from core.models.registry import load_embedder  # noqa: E402
from core.overview.composition import composition  # noqa: E402
from core.overview.overview import look_at_set, set_evidence  # noqa: E402
from core.overview.properties import Background  # noqa: E402
from core.overview.records import SetMembers  # noqa: E402
from core.scan.apply_thresholds import apply_thresholds  # noqa: E402
from core.scan.collect import collect_scan_data  # noqa: E402
from core.scan.scan_data import ScanInput  # noqa: E402

SPLITS = ["train", "test"]
Change = Callable[[Image.Image], Image.Image]


def darker(share: float) -> Change:
    return lambda picture: picture.point(lambda level: int(level * share))


def coarser(share: float) -> Change:
    def change(picture: Image.Image) -> Image.Image:
        small = picture.resize([round(side * share) for side in picture.size])
        return small.resize(picture.size)

    return change


def framed(width: int) -> Change:
    def change(picture: Image.Image) -> Image.Image:
        right, bottom = (side - 1 for side in picture.size)
        ImageDraw.Draw(picture).rectangle((0, 0, right, bottom), outline=0, width=width)
        return picture

    return change


def marked(picture: Image.Image) -> Image.Image:
    ImageDraw.Draw(picture).text((6, 6), "(c) photo", fill=(255, 255, 255))
    return picture


def same(picture: Image.Image) -> Image.Image:
    return picture


PLANTED: Sequence[tuple[str, str, str, float, Change, dict[str, Any]]] = (
    ("nothing", "", "split", 0, same, {}),
    ("test darker by 5 %", "appearance_shift", "split", 1, darker(0.95), {}),
    ("test darker by 20 %", "appearance_shift", "split", 1, darker(0.8), {}),
    ("test darker by 50 %", "appearance_shift", "split", 1, darker(0.5), {}),
    ("test re-encoded, quality 70", "appearance_shift", "split", 1, same, {"q": 70}),
    ("test re-encoded, quality 30", "appearance_shift", "split", 1, same, {"q": 30}),
    ("test of half the resolution", "appearance_shift", "split", 1, coarser(0.5), {}),
    ("border, 2 of 150 pixels, all", "shortcuts", "class", 1, framed(2), {}),
    ("border, 5 of 150 pixels, all", "shortcuts", "class", 1, framed(5), {}),
    ("border, 5 of 150 pixels, half", "shortcuts", "class", 0.5, framed(5), {}),
    ("watermark, all", "shortcuts", "class", 1, marked, {}),
    ("file type png, all", "shortcuts", "class", 1, same, {"type": ".png"}),
    ("file type png, half", "shortcuts", "class", 0.5, same, {"type": ".png"}),
    ("quality 30, all", "shortcuts", "class", 1, same, {"q": 30}),
)
"""What is planted, the finding it should be, in test or in one class, in which share,
and how."""


def planted_set(
    folder: Path, source: Sequence[Path], case: Any, seed: int
) -> tuple[list[Path], list[int]]:
    """Writes the pictures of a set; returns their paths and splits."""
    _, _, target, share, change, how = case
    rng = np.random.default_rng(seed)
    splits = (rng.random(len(source)) < 1 / 3).astype(int).tolist()
    first = min(path.parent.name for path in source)
    paths = []
    for path, split in zip(source, splits, strict=True):
        member = split == 1 if target == "split" else path.parent.name == first
        picture = Image.open(path).convert("RGB")
        is_changed = bool(member and rng.random() < share)
        ending = how.get("type", ".jpg") if is_changed else ".jpg"
        target_path = folder / path.parent.name / f"{path.stem}{ending}"
        target_path.parent.mkdir(parents=True, exist_ok=True)
        quality = how.get("q", 90) if is_changed else 90
        (change(picture) if is_changed else picture).save(target_path, quality=quality)
        paths.append(target_path)
    return paths, splits


def overview_of(paths: Sequence[Path], splits: Sequence[int], cache: Path) -> Any:
    """Scans a set; returns its overview, and CPU seconds of all and of that part."""
    classes = sorted({path.parent.name for path in paths})
    labels = [classes.index(path.parent.name) for path in paths]
    given = ScanInput(
        [os.fsencode(path) for path in paths],
        np.array(labels, np.int32),
        classes,
        np.array(splits, np.int32),
        SPLITS,
    )
    data = collect_scan_data(given, load_embedder(), folder=cache)
    return apply_thresholds(data).overview


def planted(root: Path, count: int) -> None:
    """Prints what is found of each planted problem, and what else."""
    everything = sorted(path for path in root.rglob("*") if path.is_file())
    names = sorted({path.parent.name for path in everything})[:3]
    source = [
        path
        for name in names
        for path in [one for one in everything if one.parent.name == name][: count // 3]
    ]
    print("| planted | found | AUROC | said besides |\n| :-- | :-- | --: | :-- |")
    with tempfile.TemporaryDirectory() as work:
        for number, case in enumerate(PLANTED):
            folder = Path(work) / str(number)
            paths, splits = planted_set(folder, source, case, number)
            found = overview_of(paths, splits, Path(work) / "cache")["findings"]
            own = [one for one in found if is_planted(one, case, names[0])]
            auroc = max((one["measures"]["auroc"] for one in own), default=None)
            shown = "" if auroc is None else f"{auroc:.2f}"
            yes = ("yes" if own else "no") if case[1] else ""
            besides = [one["key"] for one in found if one not in own]
            print(f"| {case[0]} | {yes} | {shown} | {', '.join(besides)} |", flush=True)


def is_planted(finding: Any, case: Any, first: str) -> bool:
    """True if a finding says what was planted, or a property that follows from it."""
    if case[2] == "split":
        told = finding["kind"] == "appearance_shift" or (
            finding["kind"] == "shortcuts" and finding["measures"]["target"] == "split"
        )
        return bool(case[1]) and told
    measures = finding["measures"]
    return finding["kind"] == case[1] and measures.get("class") == first


def metadata_of(count: int, random: np.random.Generator) -> Background:
    """Returns cameras, dates and fields that go with nothing; some are not known."""
    captured = random.uniform(1.5e9, 1.7e9, count)
    captured[random.random(count) < 0.3] = np.nan
    fields = {
        "site": random.choice(["north", "south", "east"], count).tolist(),
        "checked": (random.random(count) < 0.2).tolist(),
        "angle": random.normal(size=count).tolist(),
    }
    return Background(captured, random.integers(0, 6, count).astype(np.uint32), fields)


def false_findings(root: Path, trials: int, count: int) -> None:
    """Prints how many sets with random splits and shuffled labels have a finding."""
    everything = sorted(path for path in root.rglob("*") if path.is_file())
    chosen = np.random.default_rng(0).permutation(len(everything))[:count]
    paths = [everything[row] for row in sorted(chosen)]
    names = sorted({path.parent.name for path in paths})
    truth = np.array([names.index(path.parent.name) for path in paths], np.int32)
    from core.embedding.embed import embed_images
    from core.neighbors.knn_graph import neighbor_graph
    from core.scan.unique_images import unique_images

    with tempfile.TemporaryDirectory() as work:
        encoded = [os.fsencode(path) for path in paths]
        table = embed_images(
            encoded, load_embedder(), folder=Path(work), max_megapixels=100
        )
        images = unique_images(table)
        rows = table.rows()[images.groups.first_file]
        statistics = table.column("statistics")[images.groups.first_file]
        features = np.asarray(images.features[np.arange(len(images))])
        graph = neighbor_graph(features.astype(np.float32), 12)
        shown, file_bytes = [encoded[row] for row in rows], table.file_bytes[rows]
        alone, none = np.full(len(rows), -1), np.zeros(len(rows), bool)
        with_findings, kinds, seconds = 0, Counter[str](), 0.0
        for trial in range(trials):
            rng = np.random.default_rng(trial)
            label = rng.permutation(truth[rows])
            split = (rng.random(len(rows)) < 0.3).astype(np.int32)
            started = time.process_time()
            evidence = set_evidence(
                images.descriptors,
                features,
                images.signatures,
                statistics,
                file_bytes,
                shown,
                label,
                split,
                alone,
                names,
                SPLITS,
                metadata_of(len(rows), rng),
            )
            members = SetMembers(
                label=label,
                split=split,
                group=alone,
                here=~none,
                likeliest=rng.permutation(label),
                wrong_label=none,
                distance=np.full(len(rows), np.nan, np.float32),
                outlier=none,
            )
            counts = composition(label, split, np.arange(len(rows)), names, SPLITS)
            overview = look_at_set(evidence, members, counts, graph, names, SPLITS)
            seconds += time.process_time() - started
            said = [one.kind for one in overview.findings if one.kind != "imbalance"]
            with_findings += bool(said)
            kinds.update(said)
    print(
        f"{trials} trials of {len(rows):,} images: {with_findings} with a finding "
        f"{dict(kinds)}; {seconds / trials:.2f} CPU seconds each"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--trials", type=int, default=200)
    parser.add_argument("--images", type=int, default=480)
    options = parser.parse_args()
    false_findings(options.folder, options.trials, 2000)
    planted(options.folder, options.images)


if __name__ == "__main__":
    main()
