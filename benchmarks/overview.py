"""What Winnow, Datalab and DataEval say of sets with planted problems.

    python benchmarks/overview.py FOLDER [--scratch FOLDER] [--draws 3] [--steps ...]

FOLDER holds a folder a class, of three or more. Each draw is a third of the images from
each of three classes; the sets that :mod:`planted_sets` makes of it are scanned, and
given to the rivals, each in an environment of its own below the scratch folder. What
was done already is not done again. Prints the table of overview.md.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from planted_sets import NOTHING, PLANTS, SHUFFLED, SPLITS, PlantedSet, planted_set
from quality import ROOT, ask, environment

sys.path.insert(0, str(ROOT))

from core.embedding.embed import embed_images  # noqa: E402
from core.models.registry import load_embedder  # noqa: E402
from core.scan.apply_thresholds import apply_thresholds  # noqa: E402
from core.scan.collect import collect_scan_data  # noqa: E402
from core.scan.scan_data import ScanInput  # noqa: E402

RIVALS = {
    "datalab_set": ["cleanlab[image]==2.9.0"],
    "dataeval": ["dataeval==1.1.4"],
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
    sets = [
        planted_set(work / "sets" / str(number), source, plant, draw)
        for number, plant in enumerate(PLANTS)
    ]
    (work / "sets.json").write_text(json.dumps([asdict(one) for one in sets]))
    return sets


def scan(one: PlantedSet, cache: Path) -> Mapping[str, Any]:
    """Scans a set; returns its overview."""
    classes = sorted(set(one.labels))
    given = ScanInput(
        [os.fsencode(path) for path in one.paths],
        np.array([classes.index(label) for label in one.labels], np.int32),
        classes,
        np.array(one.splits, np.int32),
        SPLITS,
    )
    data = collect_scan_data(given, load_embedder(), folder=cache)
    return apply_thresholds(data).overview


def said_by_winnow(overview: Mapping[str, Any]) -> list[str]:
    """Returns what it says in the words of a rival's answers."""
    said = []
    for finding in overview["findings"]:
        measures = finding["measures"]
        words = {
            "imbalance": "imbalance",
            "label_shift": "label shift",
            "appearance_shift": "split: looks",
            "shortcuts": f"{measures.get('target')}: {measures.get('property')}",
        }
        if finding["kind"] in words:
            said.append(words[finding["kind"]])
    return said


def run_winnow(work: Path, sets: Sequence[PlantedSet]) -> None:
    """Scans the sets, and leaves the embeddings for the rivals."""
    answers = work / "winnow.json"
    if answers.exists():
        return
    started, said = time.process_time(), {}
    for number, one in enumerate(sets):
        overview = scan(one, work / "cache")
        said[number] = {"Winnow": said_by_winnow(overview)}
        print(f"  {PLANTS[number].name}: {said[number]}", flush=True)
        table = embed_images(
            [os.fsencode(path) for path in one.paths],
            load_embedder(),
            folder=work / "cache",
            max_megapixels=100,
        )
        features = np.asarray(table.column("features")[table.unique_file])
        np.save(work / f"features_{number}.npy", features)
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
