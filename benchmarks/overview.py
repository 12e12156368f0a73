"""What Winnow, Datalab and DataEval say of sets with planted problems.

    python benchmarks/overview.py FOLDER [--scratch FOLDER] [--draws 3] [--steps ...]

FOLDER holds a folder a class, of three or more. Each draw has 160 images from each of
three classes; the sets that :mod:`planted_sets` makes of it are looked at as a scan
does, and given to Datalab and DataEval, each in an environment of its own below the
scratch folder. What was done already is not done again. Prints the table of
overview.md.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
from planted_sets import NOTHING, PLANTS, SHUFFLED, SPLITS, PlantedSet, planted_set
from quality import ROOT, ask, environment
from set_images import SetImages, overview_of, read_images

from core.overview.overview import Overview

RIVALS = {
    "datalab_set": ["cleanlab[image]==2.9.0"],
    # It brings PyTorch, of several gigabytes
    "dataeval_set": ["dataeval==1.1.4", "Pillow"],
}
CLASSES, IMAGES = 3, 160

Said = dict[str, list[list[str]]]
"""By tool, what it says of each set of a draw."""


def sources(root: Path, draw: int) -> list[Path]:
    """Returns the photographs of a draw, class after class."""
    found: dict[str, list[Path]] = defaultdict(list)
    for path in sorted(one for one in root.rglob("*") if one.is_file()):
        found[path.parent.name].append(path)
    random, chosen = np.random.default_rng(draw), []
    for name in sorted(found)[:CLASSES]:
        places = random.permutation(len(found[name]))[:IMAGES]
        chosen += [found[name][place] for place in sorted(places.tolist())]
    return chosen


def make_sets(root: Path, work: Path, draw: int) -> list[PlantedSet]:
    """Writes the sets of a draw, and the list of them."""
    source = sources(root, draw)
    sets = [planted_set(work / "sets", source, plant, draw) for plant in PLANTS]
    (work / "sets.json").write_text(json.dumps([asdict(one) for one in sets]))
    return sets


def judge(one: PlantedSet, images: SetImages) -> Overview:
    """Returns what Winnow says of a set, but of the folders: each plant has its own."""
    named = [b"/set/" + os.path.basename(path) for path in images.paths]
    images = replace(images, paths=named)
    classes = sorted(set(one.labels))
    codes = np.array([classes.index(label) for label in one.labels], np.int32)
    splits = np.array(one.splits, np.int32)
    return overview_of(images, codes[images.rows], splits[images.rows], classes, SPLITS)


def said_by_winnow(overview: Overview) -> list[str]:
    """Returns what it says in the words of a rival's answers."""
    said = []
    for finding in overview.findings:
        measures = finding.measures
        words = {
            "imbalance": "imbalance",
            "label_shift": "label shift",
            "appearance_shift": "split: looks",
            "shortcuts": f"{measures.get('target')}: {measures.get('property')}",
        }
        if finding.kind in words:
            said.append(words[finding.kind])
    return said


def run_winnow(work: Path, sets: Sequence[PlantedSet]) -> None:
    """Looks at the sets, and leaves the embeddings for the rivals."""
    answers = work / "winnow.json"
    if answers.exists():
        return
    started, said = time.process_time(), {}
    for number, one in enumerate(sets):
        images = read_images(one.paths, work / "cache")
        said[number] = {"Winnow": said_by_winnow(judge(one, images))}
        print(f"  {PLANTS[number].name}: {said[number]}", flush=True)
        # In the order of the paths, which of equal pictures are one
        place = np.zeros(len(one.paths), np.int64)
        place[images.rows] = np.arange(len(images))
        np.save(work / f"features_{number}.npy", images.features[place])
    seconds = round(time.process_time() - started, 1)
    answers.write_text(json.dumps({"seconds": seconds, "said": said}))


def read_said(work: Path) -> Said:
    """Returns what all tools say of the sets of a draw."""
    said: Said = defaultdict(list)
    for name in ("winnow", *RIVALS):
        file = work / f"{name}.json"
        if file.exists():
            content = json.loads(file.read_text())
            for number in range(len(PLANTS)):
                for tool, words in content["said"][str(number)].items():
                    said[tool].append(words)
    return dict(said)


def is_of(word: str, kind: str) -> bool:
    return word == kind or word.startswith(f"{kind}:")


def print_table(draws: Sequence[Said]) -> None:
    """Prints in how many draws each tool found what was planted.

    Found is what it says of the right kind and does not say of the same set with
    nothing planted; what else it then says anew is a false alarm.
    """
    tools = list(draws[0])
    print(f"| planted | {' | '.join(tools)} |\n| :-- |{' :-: |' * len(tools)}")
    nothing = PLANTS.index(NOTHING)
    alarms: dict[str, list[int]] = defaultdict(list)
    found: dict[str, int] = defaultdict(int)
    planted = 0
    for number, plant in enumerate(PLANTS):
        if not plant.kind:
            continue
        cells = []
        planted += len(draws)
        for tool in tools:
            hits = 0
            for draw in draws:
                new = set(draw[tool][number]) - set(draw[tool][nothing])
                own = {word for word in new if is_of(word, plant.kind)}
                hits += bool(own)
                alarms[tool].append(len(new - own))
            found[tool] += hits
            cells.append(f"{hits}/{len(draws)}")
        print(f"| {plant.name} | {' | '.join(cells)} |")
    print(
        "| **all found** | "
        + " | ".join(f"{found[tool] / planted:.0%}" for tool in tools)
        + " |"
    )
    shuffled = [n for n, plant in enumerate(PLANTS) if plant.name == SHUFFLED]
    rows = {
        "said anew besides, a set": lambda tool: np.mean(alarms[tool]),
        "said of true sets, a set": lambda tool: np.mean(
            [len(draw[tool][nothing]) for draw in draws]
        ),
        "said of shuffled sets, a set": lambda tool: np.mean(
            [len(draw[tool][n]) for draw in draws for n in shuffled]
        ),
        "shuffled sets of which anything is said": lambda tool: np.mean(
            [bool(draw[tool][n]) for draw in draws for n in shuffled]
        ),
    }
    for name, value in rows.items():
        print(f"| {name} | {' | '.join(f'{value(tool):.2f}' for tool in tools)} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--scratch", type=Path, default=ROOT / ".bench")
    parser.add_argument("--draws", type=int, default=3)
    parser.add_argument("--steps", nargs="*", default=["winnow", *RIVALS])
    options = parser.parse_args()
    scratch = options.scratch.resolve()
    works = [scratch / f"planted_{draw}" for draw in range(options.draws)]
    for draw, work in enumerate(works):
        work.mkdir(parents=True, exist_ok=True)
        if "winnow" in options.steps:
            run_winnow(work, make_sets(options.folder, work, draw))
        for rival, requirements in RIVALS.items():
            if rival in options.steps:
                ask(environment(scratch, rival, requirements), rival, work)
    print_table([read_said(work) for work in works])


if __name__ == "__main__":
    main()
