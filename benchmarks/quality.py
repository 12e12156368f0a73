"""Winnow against five other tools, on planted truth.

    make bench-quality BENCH="folder [folder ...]"

A bench is a folder of real images among which problems were planted, with a
``truth.jsonl`` that says which (its lines are described in
:mod:`planted_truth`). To make one: cut some thousand crops from photographs,
drawings and textures of known content, sort them into train, valid and test and
into classes; write some of them twice; write some again re-encoded, resized,
cropped, mirrored, turned by 5 degrees, blurred, lighter, with noise, with a
caption, without color; give some a wrong class; darken, wash out and blur some;
and put in pictures of another kind as outliers. None of it is committed here.

Each rival runs in an environment of its own, made under ``--scratch`` by pip;
FiftyOne Brain is part of Winnow's. Brain and Datalab are given Winnow's
embeddings, fastdup, CleanVision and imagededup the files. They answer at their
defaults and at other settings, of which the best *by the truth* counts as their best: a
setting that nobody who lacks the truth can choose. Winnow runs at its defaults.
Writes quality.md.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
sys.path[:0] = [str(ROOT), str(HERE)]

import planted_truth as scoring  # noqa: E402
from broken_files import make_broken_folder  # noqa: E402
from planted_truth import Numbers, Truth, load_truth  # noqa: E402
from quality_table import bench_lines, head_lines  # noqa: E402

REQUIREMENTS = {
    "fastdup": ["fastdup==2.54", "setuptools<81"],
    "cleanvision": ["cleanvision==0.3.7"],
    "imagededup": ["imagededup==0.3.3.post2"],
    "datalab": ["cleanlab[datalab]==2.9.0"],
    "brain": [],
}
KEY = {
    "copies": "f1",
    "leaks": "f1",
    "exact copies": "recall",
    "outliers": "AP",
    "labels": "AP",
    "unreadable": "found",
    "dark": "recall",
    "bright": "recall",
    "blurry": "recall",
}
"""What the best setting of a tool is best at, by task."""

REASONS = {"wrong labels, right label suggested": "one image of the 120 planted"}
"""Why Winnow is behind, by the title of the row; used only where it is."""


@dataclass(frozen=True)
class Scored:
    """One answer of a tool and how good it is."""

    tool: str
    task: str
    setting: str
    default: bool
    numbers: Numbers


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("bench", nargs="+", type=Path)
    parser.add_argument("--scratch", type=Path, default=ROOT / ".bench")
    options = parser.parse_args()
    lines: list[str] = []
    versions: dict[str, str] = {}
    for bench in options.bench:
        work = options.scratch.resolve() / bench.resolve().name
        work.mkdir(parents=True, exist_ok=True)
        truth = load_truth(bench.resolve())
        broken = make_broken_folder(work / "broken", truth.files)
        scored, extras = run_winnow(truth, work, broken)
        for rival, requirements in REQUIREMENTS.items():
            python = environment(options.scratch.resolve(), rival, requirements)
            content = ask(python, rival, work)
            versions |= content["versions"]
            issues = {
                one.task: one.numbers["false positives"]
                for one in scored
                if one.tool == "winnow" and "false positives" in one.numbers
            }
            scored += score_all(truth, rival, content["answers"], issues, broken)
        name, images = bench.resolve().name, len(truth.paths)
        lines += bench_lines(name, images, scored, extras, KEY, REASONS)
        # After each bench: a long run that is cut short is not lost
        head = head_lines(date.today(), versions, options.bench)
        (HERE / "quality.md").write_text("\n".join(head + lines) + "\n")


def run_winnow(
    truth: Truth, work: Path, broken: set[str]
) -> tuple[list[Scored], dict[str, Any]]:
    """Scans the bench, and leaves what the rivals are given in the work folder."""
    from core.embedding.embed import embed_images
    from core.models.registry import load_embedder
    from core.scan.apply_thresholds import apply_thresholds

    embedder, cache = load_embedder(), work / "cache"
    scan_data = scan(truth, embedder, cache)
    findings = apply_thresholds(scan_data)

    files = [os.fsencode(path) for path in truth.files]
    table = embed_images(files, embedder, folder=cache, max_megapixels=64)
    features = table.column("features")[table.unique_file]
    np.save(work / "features.npy", features)
    np.save(work / "copies.npy", table.column("copy")[table.unique_file])
    if not (work / "chances.npy").exists():
        labels = np.unique(truth.label, return_inverse=True)[1]
        np.save(work / "chances.npy", class_chances(features, labels))
    images = {
        "root": str(truth.root),
        "paths": truth.files,
        "labels": truth.label.tolist(),
        "splits": truth.split.tolist(),
    }
    (work / "images.json").write_text(json.dumps(images))
    folder = str(work / "broken")
    (work / "broken.json").write_text(json.dumps({"folder": folder}))

    given = [os.fsencode(path) for path in sorted(Path(folder).iterdir())]
    seen = embed_images(given, None, folder=cache, max_megapixels=64)
    unread = {os.fsdecode(given[row]) for row in seen.failures}
    scored = [
        *score_winnow("winnow", truth, scan_data, findings),
        Scored("winnow", "unreadable", "default", True, found_of(unread, broken)),
    ]
    pairs = pairs_of(groups_of(findings.columns["dup_cluster"]))
    extras = {
        "expected": findings.expected,
        "recall by transform": scoring.recall_by_transform(truth, pairs),
        "ablation": outlier_ablation(
            truth, scan_data, findings.columns["dup_cluster"], features
        ),
    }
    return scored + run_slowly(truth, work / "slow cache"), extras


def run_slowly(truth: Truth, cache: Path) -> list[Scored]:
    """Scans without what makes it fast: fp32, and every JPEG decoded at full size."""
    from unittest.mock import patch

    from core.models.registry import load_embedder
    from core.scan.apply_thresholds import apply_thresholds
    from tools.build_model import build_model

    single = build_model(int8=False).SerializeToString()
    embedder = load_embedder()
    signature = replace(embedder.signature, pixel="RGB")
    embedder = replace(embedder, sha256="fp32", model=single, signature=signature)
    with patch("core.reading.decode._reduction_for", lambda *_: 1):
        scan_data = scan(truth, embedder, cache)
    return score_winnow("slow", truth, scan_data, apply_thresholds(scan_data))


def scan(truth: Truth, embedder: Any, cache: Path) -> Any:
    from core.scan.collect import collect_scan_data
    from core.scan.scan_data import ScanInput

    classes, labels = np.unique(truth.label, return_inverse=True)
    splits, split = np.unique(truth.split, return_inverse=True)
    scan_input = ScanInput(
        [os.fsencode(path) for path in truth.files],
        labels.astype(np.int32),
        classes.tolist(),
        split.astype(np.int32),
        splits.tolist(),
    )
    return collect_scan_data(scan_input, embedder, folder=cache)


def score_winnow(
    tool: str, truth: Truth, scan_data: Any, findings: Any
) -> list[Scored]:
    columns = findings.columns
    clusters = groups_of(columns["dup_cluster"])
    pairs = pairs_of(clusters)
    pixels = scan_data.images.pixel_group[scan_data.samples.unique_file]
    exact = pairs_of(groups_of(pixels))
    keepers = [next(r for r in g if columns["dup_keeper"][r]) for g in clusters]
    copies = scoring.score_copies(truth, pairs)
    copies["wrong removals"] = scoring.wrong_removals(truth, clusters, keepers)
    scores = columns["label_score"], columns["label_suggestion"]
    numbers = {
        "exact copies": scoring.score_exact(truth, exact),
        "copies": copies,
        "leaks": scoring.score_leaks(truth, np.flatnonzero(columns["leak"])),
        "outliers": scoring.score_outliers(truth, columns["outlier_distance"]),
        "labels": scoring.score_labels(truth, *scores),
    }
    for issue in ("dark", "bright", "blurry"):
        rows = [r for r, names in enumerate(columns["image_issues"]) if issue in names]
        numbers[issue] = scoring.score_issue(truth, issue, rows)
    return [
        Scored(tool, task, "default", True, found) for task, found in numbers.items()
    ]


def outlier_ablation(
    truth: Truth, scan_data: Any, clusters: Sequence[int | None], features: np.ndarray
) -> dict[str, Numbers]:
    """Scores the outlier distance with one ingredient after the other."""
    from core.findings.outliers import outlier_distances

    images, first = scan_data.sample_images, scan_data.images.first_file
    cluster = np.full(len(first), -1, np.int64)
    cluster[images] = [-1 if number is None else number for number in clusters]
    alone = np.full_like(cluster, -1)
    graph = scan_data.graphs.by_features()
    looks = {"copy_graph": scan_data.graphs.by_descriptors()}
    traits = {**looks, "statistics": scan_data.files.statistics[first]}
    ways = {
        "features, 20 neighbors": (alone, {}),
        "+ own copies do not count": (cluster, {}),
        "+ copy vectors": (cluster, looks),
        "+ traits of the pixels (this is Winnow's)": (cluster, traits),
    }
    distances = {
        name: outlier_distances(graph, of, **more).distance[images]
        for name, (of, more) in ways.items()
    }
    whole = list(distances.values())[-1]
    suspects = np.argsort(-whole)[: len(whole) // 50]
    distances["left out: a second round without the 2 % most strange"] = (
        outlier_distances(without(graph, images[suspects]), cluster, **traits)
    ).distance[images]
    distances["left out: half of it the distance within its class"] = (
        whole + within_class(features, truth.label)
    ) / 2
    return {
        name: scoring.score_outliers(truth, distance.tolist())
        for name, distance in distances.items()
    }


def without(graph: Any, rows: np.ndarray) -> Any:
    """Returns the graph whose neighbors are none of these rows."""
    from core.neighbors.knn_graph import NO_NEIGHBOR, NeighborGraph

    gone = np.isin(graph.indices, rows)
    order = np.argsort(gone, axis=1, kind="stable")
    indices = np.where(gone, NO_NEIGHBOR, graph.indices)
    similarities = np.where(gone, -np.inf, graph.similarities)
    return NeighborGraph(
        np.take_along_axis(indices, order, 1),
        np.take_along_axis(similarities, order, 1).astype(np.float32),
    )


def within_class(features: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Returns the mean distance to the 20 nearest of the same label."""
    from core.neighbors.knn_graph import nearest

    result = np.zeros(len(labels), np.float32)
    for label in np.unique(labels):
        rows = np.flatnonzero(labels == label)
        of_class = features[rows].astype(np.float32)
        near = nearest(of_class, of_class, 21, exact=True).similarities[:, 1:]
        result[rows] = 1 - np.where(np.isfinite(near), near, 0).mean(axis=1)
    return result


def class_chances(features: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Returns out-of-fold class probabilities, as the guides of others advise."""
    from sklearn.decomposition import PCA
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import cross_val_predict
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model = make_pipeline(
        PCA(128, random_state=0), StandardScaler(), LogisticRegression(max_iter=200)
    )
    inputs = features.astype(np.float32)
    return cross_val_predict(model, inputs, labels, cv=5, method="predict_proba")


def environment(scratch: Path, rival: str, requirements: Sequence[str]) -> Path:
    """Makes the rival's virtual environment, once."""
    if not requirements:
        return Path(sys.executable)
    home = scratch / "environments" / rival
    python = home / "bin" / "python"
    ready = home / "ready"
    if not ready.exists():
        print(f"Installing {rival}", flush=True)
        subprocess.run([sys.executable, "-m", "venv", str(home)], check=True)
        pip = [str(python), "-m", "pip", "install", "--quiet"]
        subprocess.run([*pip, *requirements], check=True)
        ready.touch()
    return python


def ask(python: Path, rival: str, work: Path) -> dict[str, Any]:
    """Runs the rival's script, unless its answers are there already."""
    answers = work / f"{rival}.json"
    if not answers.exists():
        print(f"Running {rival} on {work.name}", flush=True)
        settings = {
            "FIFTYONE_DATABASE_DIR": str(work.parent / "database"),
            "FIFTYONE_DO_NOT_TRACK": "true",
            "FIFTYONE_DATABASE_VALIDATION": "false",
            "OMP_NUM_THREADS": "2",
        }
        script = HERE / "rivals" / f"{rival}_run.py"
        command = [str(python), str(script), str(work)]
        # There, since fastdup shortens the paths of files below where it runs
        subprocess.run(command, check=True, cwd=work, env={**os.environ, **settings})
    return dict(json.loads(answers.read_text()))


def score_all(
    truth: Truth,
    rival: str,
    answers: Sequence[Mapping[str, Any]],
    issue_rates: Mapping[str, float],
    broken: set[str],
) -> list[Scored]:
    """Scores every answer; leaks are also read off the copies."""
    scored = []
    for answer in answers:
        task, about = answer["task"], (answer["setting"], answer["default"])

        def of(task: str, numbers: Numbers, about: Any = about) -> Scored:
            return Scored(rival, task, *about, numbers)

        if task == "copies":
            numbers = scoring.score_copies(truth, answer["pairs"])
            groups = joined(answer["pairs"])
            first = [group[0] for group in groups]
            numbers["wrong removals"] = scoring.wrong_removals(truth, groups, first)
            scored.append(of("copies", numbers))
            rows = leaking_rows(truth, answer["pairs"])
            scored.append(of("leaks", scoring.score_leaks(truth, rows)))
        elif task == "exact copies":
            scored.append(of(task, scoring.score_exact(truth, answer["pairs"])))
        elif task == "leaks":
            scored.append(of(task, scoring.score_leaks(truth, answer["rows"])))
        elif task == "outliers":
            scored.append(of(task, scoring.score_outliers(truth, answer["scores"])))
        elif task == "labels":
            suggestions = answer.get("suggestions")
            numbers = scoring.score_labels(truth, answer["scores"], suggestions)
            scored.append(of(task, numbers))
        elif task == "unreadable":
            scored.append(of(task, found_of(set(answer["files"]), broken)))
        elif "rows" in answer:
            scored.append(of(task, scoring.score_issue(truth, task, answer["rows"])))
        else:
            rows = scoring.issue_rows_at(
                truth, task, answer["scores"], issue_rates[task]
            )
            numbers = scoring.score_issue(truth, task, rows.tolist())
            scored.append(of(task, numbers))
    return scored


def leaking_rows(truth: Truth, pairs: Sequence[Sequence[int]]) -> list[int]:
    split = truth.split
    return sorted({row for a, b in pairs if split[a] != split[b] for row in (a, b)})


def found_of(named: set[str], broken: set[str]) -> Numbers:
    return {
        "found": len(named & broken) / len(broken),
        "wrongly": len(named - broken),
    }


def groups_of(numbers: Sequence[int | None] | np.ndarray) -> list[list[int]]:
    """Returns the rows of each number that stands twice or more."""
    groups: dict[int, list[int]] = {}
    for row, number in enumerate(numbers):
        if number is not None and number >= 0:
            groups.setdefault(int(number), []).append(row)
    return [group for group in groups.values() if len(group) > 1]


def pairs_of(groups: Sequence[Sequence[int]]) -> list[tuple[int, int]]:
    return [pair for group in groups for pair in combinations(group, 2)]


def joined(pairs: Sequence[Sequence[int]]) -> list[list[int]]:
    """Returns the connected components, each sorted by path."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    if not len(pairs):
        return []
    a, b = np.array(pairs).T
    size = int(max(a.max(), b.max())) + 1
    graph = coo_array((np.ones(len(a)), (a, b)), shape=(size, size))
    return groups_of(connected_components(graph, directed=False)[1])


if __name__ == "__main__":
    main()
