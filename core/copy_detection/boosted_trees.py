"""Small regression trees, summed: how evidence is turned into log odds.

Gradient boosting (Friedman, Greedy Function Approximation, 2001) of trees of depth
3, learned by scikit-learn's ``HistGradientBoostingClassifier``, most under monotonic
constraints: more of what speaks against a copy never raises the log odds.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .types import Doubles, Floats, Ints

_DEPTH = 3
PAIR_CLASSIFIER = "pair_classifier"
CLOSER_LOOK = "closer_look"
CLOSER_PIXELS = "closer_pixels"
CLOSER_MOMENTS = "closer_moments"
"""Names of what was learned, as ``tools/learn_pair_classifier.py`` and
``tools/learn_closer_look.py`` wrote it."""


@dataclass(frozen=True, eq=False)
class Trees:
    """t full trees of depth 3; node i asks, and goes to 2 i + 1 or 2 i + 2.

    Attributes:
        evidence: names of the d numbers that are asked for
        intercept: log odds before any tree
        asked: int64[t, 7], which number each node asks for
        limits: float32[t, 7], what is larger goes to the second branch
        leaves: float64[t, 8], log odds
    """

    evidence: tuple[str, ...]
    intercept: float
    asked: Ints
    limits: Floats
    leaves: Doubles


@cache
def learned_trees(name: str) -> Trees:
    """Reads learned trees by their name."""
    stored = json.loads(Path(__file__).with_name(f"{name}.json").read_text("utf-8"))
    return Trees(
        tuple(stored["evidence"]),
        float(stored["intercept"]),
        np.array(stored["asked"], np.int64),
        np.array(stored["limits"], np.float32),
        np.array(stored["leaves"], np.float64),
    )


def log_odds(trees: Trees, numbers: NDArray[np.float32]) -> Doubles:
    """Returns float64[b] of numbers float32[b, d], in the order of the trees."""
    tree = np.arange(len(trees.asked))
    pair = np.arange(len(numbers))[:, None]
    node = np.zeros((len(numbers), len(tree)), np.int64)
    for _ in range(_DEPTH):
        larger = numbers[pair, trees.asked[tree, node]] > trees.limits[tree, node]
        node = 2 * node + 1 + larger
    leaf = node - (2**_DEPTH - 1)
    total: Doubles = trees.intercept + trees.leaves[tree, leaf].sum(axis=1)
    return total
