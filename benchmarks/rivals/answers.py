"""What every rival's script reads and writes; the standard library alone.

A work folder holds ``images.json`` (paths, labels and splits, row by row),
``features.npy`` and ``copies.npy`` (Winnow's embeddings of them),
``chances.npy`` (out-of-fold class probabilities, columns in the order of the
sorted labels) and ``broken.json`` (a folder of good and broken files). A script
writes ``<rival>.json``: its versions, the seconds it took, and its answers, each
with the setting it was asked with and whether that is the default.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any


class Answers:
    """Collects what one rival says.

    Args:
        work: the work folder
        rival: its name
        packages: whose versions are recorded
    """

    def __init__(self, work: Path, rival: str, packages: Sequence[str]) -> None:
        images = json.loads((work / "images.json").read_text())
        self.root: str = images["root"]
        self.paths: list[str] = images["paths"]
        self.labels: list[str] = images["labels"]
        self.splits: list[str] = images["splits"]
        self.broken: str = json.loads((work / "broken.json").read_text())["folder"]
        self.work = work
        self._row = {path: row for row, path in enumerate(self.paths)}
        self._file = work / f"{rival}.json"
        self._versions = {name: metadata.version(name) for name in packages}
        self._started = time.perf_counter()
        self._answers: list[dict[str, Any]] = []

    def row(self, path: str) -> int:
        return self._row[str(path)]

    def add(self, task: str, setting: str, *, default: bool, **values: Any) -> None:
        """Adds an answer: pairs, rows or one score a row, by the task."""
        answer = {"task": task, "setting": setting, "default": default, **values}
        self._answers.append(answer)
        size = {name: len(value) for name, value in values.items()}
        print(f"  {task}: {setting} {size}", flush=True)

    def write(self) -> None:
        seconds = round(time.perf_counter() - self._started, 1)
        content = {
            "versions": self._versions,
            "seconds": seconds,
            "answers": self._answers,
        }
        self._file.write_text(json.dumps(content))


def all_pairs(groups: Iterable[Sequence[int]]) -> list[tuple[int, int]]:
    """Returns every pair of rows that stand in one group."""
    return [
        (group[i], group[j])
        for group in groups
        for i in range(len(group))
        for j in range(i + 1, len(group))
    ]


def components(edges: Iterable[tuple[int, int]]) -> list[list[int]]:
    """Returns the connected components of two rows or more."""
    parent: dict[int, int] = {}

    def root(row: int) -> int:
        while parent.setdefault(row, row) != row:
            parent[row] = parent[parent[row]]
            row = parent[row]
        return row

    for a, b in edges:
        parent[root(a)] = root(b)
    groups: dict[int, list[int]] = {}
    for row in sorted(parent):
        groups.setdefault(root(row), []).append(row)
    return list(groups.values())
