"""Finds small photographs that were cut and changed in several ways, beside others.

    python benchmarks/small_pictures.py PHOTOGRAPHS

Of a folder of photographs, each there once, some become pairs of 28 to 64 pixels as
``tools/pair_examples.py`` makes them: most cut anew, with none to nine changes. The
others become single pictures of that size. Winnow and others look for the copies, each
at its defaults; of a tool with several settings also at the one that finds most pairs
with no more others than Winnow. *Others* are pairs that were not planted: some of the
photographs may be there twice, so they are looked at, and no precision is told. The
section of a folder is written anew.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path

import cv2
import numpy as np

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tools")]

from measuring import processor, write_section  # noqa: E402
from pair_examples import small_pair, tiny  # noqa: E402
from quality import REQUIREMENTS, ask, environment, groups_of, pairs_of  # noqa: E402

from core.copy_detection.compositions import U8  # noqa: E402

TOOLS = ("fastdup", "imagededup", "cleanvision")
SUFFIXES = {".jpg", ".jpeg", ".png"}
Pairs = set[tuple[int, int]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photographs", type=Path)
    parser.add_argument("--pairs", type=int, default=400)
    parser.add_argument("--seed", type=int, default=1)
    default = Path(tempfile.gettempdir()) / "winnow-bench"
    parser.add_argument("--scratch", type=Path, default=default)
    options = parser.parse_args()
    scratch = options.scratch.resolve()
    # Apart, since fastdup shortens the paths of files below where it runs
    work, folder = scratch / "small-pictures", scratch / "small-pictures-set"
    for one in (work, folder):
        shutil.rmtree(one, ignore_errors=True)
        one.mkdir(parents=True)
    changes = make_set(options.photographs, folder, options.pairs, options.seed)
    files = sorted(str(path) for path in folder.iterdir())
    answers = {"Winnow": [("default", True, by_winnow(files, work / "cache"))]}
    for tool in TOOLS:
        python = environment(scratch, tool, REQUIREMENTS[tool])
        answers[tool] = by_another(python, tool, files, work)
    command = f"`python benchmarks/small_pictures.py PHOTOGRAPHS --seed {options.seed}`"
    lines = [
        f"{date.today()}, {command}, {processor()}, {len(files):,} pictures.",
        "",
        *table(answers, changes),
    ]
    page, name = HERE / "small_pictures.md", options.photographs.name
    write_section(page, name, "\n".join(lines))


def make_set(photographs: Path, folder: Path, count: int, seed: int) -> list[int]:
    """Writes pairs, then single pictures, in the order of their names.

    Returns:
        the number of changes of each pair
    """
    random = np.random.default_rng(seed)
    found = sorted(
        one for one in photographs.rglob("*") if one.suffix.lower() in SUFFIXES
    )
    paths = [found[place] for place in random.permutation(len(found))]
    changes = []
    for number, path in enumerate(paths):
        photo = cv2.imread(str(path))
        pictures: Sequence[U8] = [tiny(np.asarray(photo, np.uint8), random)]
        if number < count:
            pictures, names = small_pair(np.asarray(photo, np.uint8), random)
            changes.append(len(names))
        for half, picture in enumerate(pictures):
            cv2.imwrite(str(folder / f"{number:06}-{half}.png"), picture)
    return changes


def by_winnow(files: Sequence[str], cache: Path) -> Pairs:
    from core.models.registry import load_embedder
    from core.scan.apply_thresholds import apply_thresholds
    from core.scan.collect import collect_scan_data
    from core.scan.scan_data import ScanInput

    given = ScanInput([path.encode() for path in files])
    scanned = collect_scan_data(given, load_embedder(), folder=cache)
    return set(pairs_of(groups_of(apply_thresholds(scanned).columns["dup_cluster"])))


def by_another(
    python: Path, tool: str, files: Sequence[str], work: Path
) -> list[tuple[str, bool, Pairs]]:
    """Returns the settings of a tool, whether each is the default, and its pairs."""
    images = {
        "root": str(Path(files[0]).parent),
        "paths": files,
        "labels": ["photograph"] * len(files),
        "splits": ["train"] * len(files),
    }
    (work / "images.json").write_text(json.dumps(images))
    (work / "broken").mkdir(exist_ok=True)
    shutil.copy(files[0], work / "broken")
    folder = str(work / "broken")
    (work / "broken.json").write_text(json.dumps({"folder": folder}))
    return [
        (one["setting"], one["default"], {(min(p), max(p)) for p in one["pairs"]})
        for one in ask(python, tool, work)["answers"]
        if one["task"] == "copies"
    ]


def table(
    answers: dict[str, list[tuple[str, bool, Pairs]]], changes: list[int]
) -> Iterator[str]:
    planted = {(2 * number, 2 * number + 1): n for number, n in enumerate(changes)}
    groups = {"none or one": (0, 1), "two": (2, 2), "three": (3, 3), "more": (4, 99)}
    sizes = [sum(low <= n <= high for n in changes) for low, high in groups.values()]
    heads = [f"{name} ({size})" for name, size in zip(groups, sizes, strict=True)]
    yield f"Of {len(changes)} pairs, and of those with so many changes, are found:"
    yield ""
    yield f"| | found | {' | '.join(heads)} | others |"
    yield f"| :-- | {'--: | ' * (len(groups) + 2)}"
    others = len(answers["Winnow"][0][2] - set(planted))
    for tool, settings in answers.items():
        default = [one for one in settings if one[1]]
        careful = [one for one in settings if len(one[2] - set(planted)) <= others]
        best = sorted(careful, key=lambda one: -len(one[2] & set(planted)))[:1]
        for setting, _, pairs in [*default, *(one for one in best if not one[1])]:
            hits = [planted[pair] for pair in pairs & set(planted)]
            parts = [
                sum(low <= n <= high for n in hits) for low, high in groups.values()
            ]
            cells = [f"{len(hits) / len(changes):.3f}", *map(str, parts)]
            cells.append(f"{len(pairs - set(planted)):,}")
            yield f"| {tool}, {setting} | {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
