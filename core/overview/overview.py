"""All that can be said of a set as a whole, from what a scan has learned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..copy_detection import Signatures
from ..findings.set_registry import SET_FINDINGS
from ..neighbors.knn_graph import NeighborGraph
from ..storage.record_store import Vectors
from . import class_structure
from .composition import imbalance, label_shift
from .draw import drawn_images
from .properties import Background, image_properties
from .records import (
    KINDS,
    Codes,
    Composition,
    Rows,
    SetEvidence,
    SetFinding,
    SetMembers,
)
from .set_map import SetMap, set_map
from .shift import appearance_shift
from .shortcuts import shortcuts
from .split_scores import split_scores


@dataclass(frozen=True, eq=False)
class Overview:
    """What is known of a set.

    Attributes:
        composition: images by class and split
        shifts: of each two splits, how well their images can be told apart
        tried: properties of classes and splits that were looked at as shortcuts
        findings: in the order of :data:`~core.overview.records.KINDS`
        looks_like: which classes the images of which look like
        map: points of a plane, by what was found of their images
    """

    composition: Composition
    shifts: Sequence[Mapping[str, Any]]
    tried: int
    findings: Sequence[SetFinding]
    looks_like: Mapping[str, Any]
    map: Sequence[Mapping[str, Any]]

    @property
    def counts(self) -> dict[str, int]:
        """How many findings there are of each kind."""
        kinds = [finding.kind for finding in self.findings]
        return {kind: kinds.count(kind) for kind in KINDS}

    def to_dict(self) -> dict[str, Any]:
        """Returns it as JSON values."""
        return {
            **self.composition.to_dict(),
            "appearance_shift": list(self.shifts),
            "properties_tried": self.tried,
            "findings": [finding.to_dict() for finding in self.findings],
            "looks_like": self.looks_like,
            "map": list(self.map),
        }

    def keys(self) -> dict[int, list[str]]:
        """Returns the keys of the findings that show a unique image, by its number."""
        keys: dict[int, list[str]] = {}
        for finding in self.findings:
            for image in finding.images.tolist():
                keys.setdefault(image, []).append(finding.key)
        return keys


def set_evidence(
    descriptors: Vectors,
    features: Vectors,
    signatures: Signatures,
    statistics: NDArray[np.float32],
    file_bytes: NDArray[np.int64],
    paths: Sequence[bytes],
    label: Codes,
    split: Codes,
    group: Rows,
    classes: Sequence[str],
    split_names: Sequence[str],
    background: Background,
) -> SetEvidence:
    """Looks at a draw of i unique images while their vectors are at hand.

    Args:
        descriptors: i x c, unit vectors
        features: i x f, unit vectors
        signatures: uint8[i, q], see :func:`core.copy_detection.signatures`
        statistics: float32[i, s], see :mod:`core.reading.image_statistics`
        file_bytes: int64[i]
        paths: of the files
        label: int32[i], negative without
        split: int32[i], negative for none and for several
        group: int64[i], of copies and moments of one scene; negative for none
        classes: names, which folders often have
        split_names: likewise
        background: of the i images
    """
    strata = (label + 1).astype(np.int64) * (len(split_names) + 1) + split
    rows = drawn_images(strata, group)
    properties = image_properties(
        statistics[rows],
        signatures[rows],
        file_bytes[rows],
        [paths[row] for row in rows.tolist()],
        [*classes, *split_names],
        background.of(rows),
    )
    # Where a file lies, and its type, is no part of how it looks
    looks = properties.values[
        :, [kind in ("look", "made") for kind in properties.kinds]
    ]
    scores = split_scores(
        descriptors, features, looks, rows, split[rows], len(split_names)
    )
    return SetEvidence(rows, scores, properties, set_map(features, rows))


def look_at_set(
    evidence: SetEvidence,
    members: SetMembers,
    composition: Composition,
    graph: NeighborGraph,
    classes: Sequence[str],
    split_names: Sequence[str],
) -> Overview:
    """Says what is wrong with a set.

    Args:
        evidence: from :func:`set_evidence`
        members: i unique images
        composition: the counts of the samples
        graph: the nearest neighbors by features
        classes: names in order of their codes
        split_names: likewise
    """
    shifts, shifted = appearance_shift(evidence, members, split_names)
    findings = [
        *imbalance(composition, members),
        *label_shift(composition, members),
        *shifted,
    ]
    of_classes, telling_classes = shortcuts(evidence, members, "class", classes)
    of_splits, telling_splits = shortcuts(evidence, members, "split", split_names)
    findings += telling_classes + telling_splits
    if class_structure.labels_follow_pictures(members):
        findings += class_structure.overlaps(members, classes)
        findings += class_structure.divided(members, graph, classes)
    findings += class_structure.thin_regions(members, classes)
    return Overview(
        composition,
        shifts,
        of_classes + of_splits,
        findings,
        class_structure.looks_like(members, classes),
        _points(evidence.map, members, findings),
    )


def _points(
    places: SetMap, members: SetMembers, findings: Sequence[SetFinding]
) -> list[dict[str, Any]]:
    """Returns the points of the map by what was found: ``kind``, ``x`` and ``y``.

    An image that several findings show counts for the rarest kind.
    """
    shown = {
        "wrong labels": members.wrong_label.copy(),
        "outliers": members.outlier.copy(),
    }
    for finding in findings:
        words = SET_FINDINGS[finding.kind].label.lower()
        images = shown.setdefault(words, np.zeros(len(members.here), bool))
        images[finding.images] = True
    kinds = sorted(shown, key=lambda kind: int(shown[kind].sum()))
    rows = np.flatnonzero(members.here[places.images])
    left = np.ones(len(rows), bool)
    points = []
    for kind in [*kinds, "others"]:
        is_kind = left.copy()
        if kind in shown:
            is_kind &= shown[kind][places.images[rows]]
        left &= ~is_kind
        if is_kind.any() or kind == "others":
            x, y = np.round(places.places[rows[is_kind]].astype(np.float64), 3).T
            points.append({"kind": kind, "x": x.tolist(), "y": y.tolist()})
    return points[::-1]
