"""What a scan found, as numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ....core.curation.not_looked_for import findings_not_looked_for, set_measures
from ....core.findings.object_registry import OBJECT_FINDINGS
from ....core.findings.registry import VIDEO_ISSUES
from ....core.objects.label_doubts import FEWEST_OF_CLASS
from ....core.reading.image_names import VIDEOS
from ....core.scan.scan_data import UnreadableFile

Matrix = Mapping[str, Mapping[str, Mapping[str, int]]]
"""Of a kind, what a split shares with another."""

_NO_LABELS = "no labels were given"
_NO_SPLITS = "no splits were given"
_NO_OBJECTS = "objects were not scanned"
_NO_OBJECT_LABELS = "no object has a label"
_FEW_OBJECTS = f"no class has {FEWEST_OF_CLASS} objects, too few to judge a label"


@dataclass(frozen=True)
class ScanOutcome:
    """What a scan, or moving its thresholds, found.

    Attributes:
        dataset: name of the data set
        run_key: of the FiftyOne run that records it
        counts: how many images (or clusters, objects or bytes) each finding has
        thresholds: in force, by the name of the setting
        rules: how each threshold was chosen
        leak_matrix: kind -> split -> other split -> images with a copy there
        scene_matrix: split -> other split -> images of whose scene it has another
            moment or view, and no copy
        sequence_steps: see :class:`core.findings.schema.Findings`
        leaks_by_class: see :class:`core.findings.schema.Findings`
        overview: of the set as a whole, likewise
        expected: what known copies of these images, and known flips of their
            labels, say of the thresholds, see
            :func:`core.scan.apply_thresholds.apply_thresholds`; empty without an
            estimate
        model: name of the embedding model
        model_sha256: of the model, or None for given vectors
        seconds: wall-clock seconds by stage
        unreadable: path, status and reason of files without findings
        versions: of the packages that matter
        peak_memory_bytes: of this process
    """

    dataset: str
    run_key: str
    counts: Mapping[str, int]
    thresholds: Mapping[str, float | None]
    rules: Mapping[str, str]
    leak_matrix: Matrix
    scene_matrix: Mapping[str, Mapping[str, int]]
    sequence_steps: Matrix
    leaks_by_class: Sequence[Mapping[str, Any]]
    overview: Mapping[str, Any]
    expected: Mapping[str, Any]
    model: str
    model_sha256: str | None
    seconds: Mapping[str, float]
    unreadable: Sequence[UnreadableFile]
    versions: Mapping[str, str]
    peak_memory_bytes: int

    @property
    def total_seconds(self) -> float:
        return sum(self.seconds.values())

    @property
    def images_per_second(self) -> dict[str, float]:
        """Images a second of each stage."""
        images = self.counts["images"]
        return {
            stage: round(images / seconds, 1)
            for stage, seconds in self.seconds.items()
            if seconds > 0
        }

    @property
    def not_looked_for(self) -> dict[str, str]:
        """Says why the run cannot know, by the finding's name in a policy."""
        why = {}
        if not self.counts["labeled"]:
            why["labels"] = _NO_LABELS
        if not self.leak_matrix:
            why["splits"] = _NO_SPLITS
        missing = findings_not_looked_for(self, why)
        if not self.counts["thinned"]:
            missing["bursts"] = "thin was not run"
        if not self.expected.get("predicted"):
            missing["confidently wrong"] = "no predictions were given"
        return missing | self._objects_not_looked_for

    @property
    def measures(self) -> dict[str, float]:
        """Returns the numbers of the set that a policy may limit, by their names."""
        return set_measures(self.overview, self.counts)

    @property
    def of_videos(self) -> bool:
        """True if videos were scanned."""
        return VIDEO_ISSUES.name in self.counts

    @property
    def kind(self) -> str:
        """What was scanned, in the plural."""
        return VIDEOS if self.of_videos else "images"

    @property
    def has_objects(self) -> bool:
        """True if labeled objects were scanned too."""
        return "objects" in self.counts

    @property
    def _objects_not_looked_for(self) -> dict[str, str]:
        findings = OBJECT_FINDINGS.values()
        if not self.has_objects:
            return {finding.words: _NO_OBJECTS for finding in findings}
        why = {}
        if not self.counts["objects_labeled"]:
            why["labels"] = _NO_OBJECT_LABELS
        elif not self.counts.get("objects_judged", 1):
            why["labels"] = _FEW_OBJECTS
        if not self.leak_matrix:
            why["splits"] = _NO_SPLITS
        missing = {
            finding.words: why[finding.needs]
            for finding in findings
            if finding.needs in why
        }
        name = "max_object_outlier_distance"
        if self.thresholds[name] is None:
            missing["object outliers"] = self.rules[name]
        return missing
