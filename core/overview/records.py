"""What is known of a set as a whole, as records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .properties import Properties
from .set_map import SetMap

Codes = NDArray[np.int32]
Rows = NDArray[np.int64]
Bools = NDArray[np.bool_]

NONE = -1

KINDS = (
    "imbalance",
    "label_shift",
    "appearance_shift",
    "shortcuts",
    "overlapping_classes",
    "divided_classes",
    "thin_regions",
)
"""What can be found of a set, in the order of every list."""


@dataclass(frozen=True, eq=False)
class SetEvidence:
    """What a scan learns of a set while it has the vectors.

    Attributes:
        images: int64[r], the unique images that were looked at, ascending
        split_scores: float32[r, s], see :func:`core.overview.split_scores`
        properties: of the r images
        map: where some of them lie
        inputs: digest of all that it was learned from; empty if nobody asks
    """

    images: Rows
    split_scores: NDArray[np.float32]
    properties: Properties
    map: SetMap
    inputs: str = ""


@dataclass(frozen=True, eq=False)
class SetMembers:
    """i unique images, as findings see them after thresholds and decisions.

    Attributes:
        label: int32[i], code of the class; ``NONE`` without
        split: int32[i], code of the split; ``NONE`` in none or in several
        group: int64[i], of copies and moments of one scene; negative for none
        here: bool[i], the file can be read
        likeliest: int32[i], the class that others of its kind suggest, learned
            without the image; ``NONE`` if unknown
        wrong_label: bool[i], its label is probably wrong
        distance: float32[i], to the images most like it; NaN if unknown
        outlier: bool[i]
    """

    label: Codes
    split: Codes
    group: Rows
    here: Bools
    likeliest: Codes
    wrong_label: Bools
    distance: NDArray[np.float32]
    outlier: Bools


@dataclass(frozen=True, eq=False)
class SetFinding:
    """Something about a set, in words.

    Attributes:
        kind: of :data:`KINDS`
        key: names it among all of its set, also in the samples' field
        text: what was found
        meaning: for training
        advice: what to do
        images: int64, the unique images to look at
        measures: numbers and names, as JSON values
    """

    kind: str
    key: str
    text: str
    meaning: str
    advice: str
    images: Rows
    measures: Mapping[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Returns all but the images as JSON values."""
        return {
            "kind": self.kind,
            "key": self.key,
            "text": self.text,
            "meaning": self.meaning,
            "advice": self.advice,
            "count": len(self.images),
            "measures": dict(self.measures),
        }


@dataclass(frozen=True, eq=False)
class Composition:
    """How many images each class has in each split.

    Attributes:
        classes: names; "" alone where nothing is labeled
        splits: names; "" alone where there are no splits
        images: int64[c, s]
        effective: int64[c, s], what is left without copies and further moments of
            scenes
    """

    classes: Sequence[str]
    splits: Sequence[str]
    images: Rows
    effective: Rows

    def to_dict(self) -> dict[str, Any]:
        """Returns it as JSON values."""
        return {
            "classes": list(self.classes),
            "splits": list(self.splits),
            "images": self.images.tolist(),
            "effective": self.effective.tolist(),
        }
