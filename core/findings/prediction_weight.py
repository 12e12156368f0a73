"""How much a person's model weighs beside all other evidence for labels.

Labels flipped in thought are known to be wrong, as in
:mod:`core.findings.label_estimate`: the weight is the one whose pool tells them best
from the given labels, of which few are wrong. A tenth of them counts on pictures that
look like two classes, where what fits a model's own doubts would be found too well.

Measured on 2,000 photographs of waste, 3,000 and 6,000 scenes and 3,000 pictures of 32
pixels, with models that know more, as much and less than the neighbors do: of tenths
of 0, 1, 2.5 and 5, 1 loses .003 of the average precision of the best where flips are
on any picture, and half of what 0 loses where they are on pictures that look like two.
The likelihood of the given labels, tried before, lost twice as much there.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .label_estimate import mistaken
from .label_support import Labels, log_support
from .predictions import Predictions

_WEIGHTS = np.arange(11) / 20
"""Never more than all other evidence together: a model may have learned the labels."""

_UNSURE = 0.1
"""Share of the flips that are on pictures that look like two classes."""

Doubles = NDArray[np.float64]


def prediction_weight(own: Doubles, predictions: Predictions, labels: Labels) -> float:
    """Returns the weight with which the pool tells wrong labels best from given ones.

    The same input gives the same flips.

    Args:
        own: r x classes, the support of all other evidence
        predictions: of the r images, each with a prediction
        labels: int32[r], theirs
    """
    if not len(labels):
        return 0.0
    ours, theirs = log_support(own), log_support(predictions.spread(own.shape[1]))
    anywhere, unsure = _flips(np.exp((ours + theirs) / 2), labels)
    rows = np.arange(len(labels))
    best, found = np.inf, 0.0
    for weight in _WEIGHTS.tolist():
        pooled = ours + weight * (theirs - ours)
        given = np.sort(_margins(pooled, rows, labels))
        mixed_up = 0.0
        for share, flips in ((1 - _UNSURE, anywhere), (_UNSURE, unsure)):
            # Right labels that score less than a flip: 1 - AUROC
            below = np.searchsorted(given, _margins(pooled, *flips))
            mixed_up += share * float(below.mean())
        if mixed_up < best:
            best, found = mixed_up, weight
    return found


Flips = tuple[NDArray[np.int64], Labels]


def _flips(support: Doubles, labels: Labels) -> tuple[Flips, Flips]:
    """Returns rows with wrong labels: on any picture, and where two classes fit.

    Args:
        support: r x classes
        labels: int32[r]
    """
    random = np.random.default_rng(0)
    rows = np.arange(len(labels))
    support = support / support.sum(axis=1, keepdims=True)
    present, code = np.unique(labels, return_inverse=True)
    looks = np.stack([support[labels == one].mean(axis=0) for one in present])
    anywhere = mistaken(looks[code], labels, random).astype(np.int32)
    doubt = 1 + 1e-6 - support[rows, labels]
    drawn = random.choice(rows, len(rows), p=doubt / doubt.sum())
    unsure = mistaken(support[drawn], labels[drawn], random).astype(np.int32)
    return (rows, anywhere), (drawn, unsure)


def _margins(pooled: Doubles, rows: NDArray[np.int64], labels: Labels) -> Doubles:
    """Returns how far each label's support lies above that of the best other class."""
    other = pooled[rows]
    line = np.arange(len(rows))
    own = other[line, labels]
    other[line, labels] = -np.inf
    margins: Doubles = own - other.max(axis=1)
    return margins
