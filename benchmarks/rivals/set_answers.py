"""What scripts that judge whole sets read and write; the standard library and NumPy.

A work folder holds ``sets.json`` (paths, labels and splits of each set) and
``features_N.npy`` (Winnow's embeddings of set N). A script writes ``<rival>.json``: its
versions, its seconds, and of each set what it says, by the setting that says it:
"imbalance", "label shift", "split: why" or "class: property".
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np


@dataclass(frozen=True)
class OneSet:
    paths: list[str]
    labels: list[str]
    splits: list[int]
    features: np.ndarray


class SetAnswers:
    """Collects what one rival says.

    Args:
        work: the work folder
        rival: its name
        packages: whose versions are recorded
    """

    def __init__(self, work: Path, rival: str, packages: Sequence[str]) -> None:
        self._work = work
        self._file = work / f"{rival}.json"
        self._versions = {name: metadata.version(name) for name in packages}
        self._started = time.process_time()
        self._said: dict[str, Mapping[str, Sequence[str]]] = {}

    def sets(self) -> Iterator[tuple[int, OneSet]]:
        """Yields the sets with their numbers."""
        for number, one in enumerate(
            json.loads((self._work / "sets.json").read_text())
        ):
            features = np.load(self._work / f"features_{number}.npy")
            yield number, OneSet(**one, features=features.astype(np.float32))

    def add(self, number: int, said: Mapping[str, Sequence[str]]) -> None:
        """Adds what it says of a set, by setting."""
        self._said[str(number)] = said
        print(f"  {number}: {said}", flush=True)

    def write(self) -> None:
        content: dict[str, Any] = {
            "versions": self._versions,
            "seconds": round(time.process_time() - self._started, 1),
            "said": self._said,
        }
        self._file.write_text(json.dumps(content))
