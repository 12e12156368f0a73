"""What a scan returns and prints."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from textwrap import wrap
from typing import Any

from ....core.common.result import TableResult
from ....core.common.text import (
    counted,
    escape_markdown,
    plain,
    share_text,
    size_text,
)
from ....core.copy_detection import CHANGES_OF_MEANING
from ....core.curation.not_looked_for import findings_not_looked_for, set_measures
from ....core.findings.duplicates import KINDS
from ....core.findings.image_issues import ISSUES
from ....core.findings.registry import (
    FINDINGS,
    OBJECT_FINDINGS,
    VIDEO_ISSUES,
    Finding,
)
from ....core.objects.agreement import DISAGREEMENTS
from ....core.objects.boxes import BOX_ISSUES, MISTAKES
from ....core.objects.label_doubts import FEWEST_OF_CLASS
from ....core.reading.image_names import VIDEOS
from ....core.report.of_set import set_sentences
from ....core.scan.scan_data import UnreadableFile
from ....core.scan.video_findings import VIDEO_ISSUES as ALL_ISSUES
from ....core.videos.segments import SEGMENTS
from .run_record import ScanRun

_NO_SCENES = dict.fromkeys(
    (
        "scenes",
        "scene_groups",
        "scene_leaks",
        "sequences",
        "sequence_groups",
        "sequence_leaks",
        "thinned",
        "bursts",
    ),
    0,
)
_Matrix = Mapping[str, Mapping[str, Mapping[str, int]]]
_NO_LABELS = "no labels were given"
_NO_SPLITS = "no splits were given"
_NO_OBJECTS = "objects were not scanned"
_NO_OBJECT_LABELS = "no object has a label"
_FEW_OBJECTS = f"no class has {FEWEST_OF_CLASS} objects, too few to judge a label"
_CLASSES_NAMED = 5
_CHANGES_NAMED = 3
_FEWEST_PAIRS = 5
"""Of one change, to say something of their labels."""

_TEXT_WIDTH = 88
_STATUS = "status_"
_READ = "read and embed"


@dataclass(frozen=True)
class ScanReport(TableResult):
    """The result of a scan or of moving its thresholds.

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
    leak_matrix: _Matrix
    scene_matrix: Mapping[str, Mapping[str, int]]
    sequence_steps: _Matrix
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

    def summary(self) -> str:
        """Returns what was done, in a sentence."""
        return _headline(self)

    def rows(self) -> list[dict[str, Any]]:
        """Returns the findings, a line each."""
        return [
            {
                "finding": line.finding.name,
                "count": line.count,
                "share": line.share(self),
                "note": line.note,
            }
            for line in finding_lines(self)
        ]

    def to_dict(self) -> dict[str, Any]:
        """Returns all of it as plain JSON values."""
        return {**asdict(self), "images_per_second": self.images_per_second}

    def to_markdown(self) -> str:
        """Returns the summary as a table."""
        return "\n".join(_markdown_lines(self))

    def __str__(self) -> str:
        return "\n".join(_text_lines(self))


def report_of(run: ScanRun) -> ScanReport:
    """Returns the result of a finished run, from its record."""
    # The database's own kinds of dict and list cannot be copied
    plain = json.loads(json.dumps(run.report))
    # Runs of before knew neither scenes nor recordings, and nothing of the whole set
    plain.setdefault("scene_matrix", {})
    plain.setdefault("sequence_steps", {})
    plain.setdefault("overview", {})
    plain["counts"] = {**_NO_SCENES, **plain["counts"]}
    return ScanReport(**{one.name: plain[one.name] for one in fields(ScanReport)})


@dataclass(frozen=True)
class Line:
    """One finding of the summary.

    Attributes:
        finding: that it is about
        count: of its images, or of their clusters
        note: what it means
        details: parts of the count by what they are
        remarks: more to say, a sentence each
    """

    finding: Finding
    count: int
    note: str
    details: Mapping[str, int] = field(default_factory=dict)
    remarks: Sequence[str] = ()

    def share(self, report: ScanReport) -> float | None:
        """Returns the share of the images or objects, 0 to 1; None for clusters."""
        if self.finding.unit == "clusters":
            return None
        return self.count / max(1, report.counts[self.finding.unit])


def finding_lines(report: ScanReport) -> Iterable[Line]:
    """Yields the findings at a glance, in the order of the summary."""
    of_objects = OBJECT_FINDINGS.values() if report.has_objects else ()
    of_videos = [VIDEO_ISSUES] * report.of_videos
    for finding in (*FINDINGS.values(), *of_videos, *of_objects):
        if finding.has_line:
            line = Line(finding, report.counts[finding.name], note_of(finding, report))
            more = _MORE.get(finding.name)
            yield replace(line, **more(report)) if more else line


def note_of(finding: Finding, report: ScanReport) -> str:
    """Says what a count means, or why there is none."""
    why = report.not_looked_for.get(finding.words)
    return f"not looked for: {why}" if why else finding.note


def _duplicates(report: ScanReport) -> dict[str, Any]:
    counts = report.counts
    return {
        "note": f"in {counted(counts['duplicate_clusters'], 'cluster')}; keeping one "
        f"of each saves {counted(counts['removable'], 'file')}, "
        f"{size_text(counts['removable_bytes'])}",
        "details": {
            "same bytes": counts["duplicates_bytes"],
            "same pixels": counts["duplicates_pixels"],
            "near": counts["duplicates_near"],
        },
        "remarks": [
            *expectation(report.expected),
            *plain_pages(counts),
            *changes_of_meaning(counts),
        ],
    }


def _outliers(report: ScanReport) -> dict[str, Any]:
    return {"remarks": outlier_expectation(report.expected)}


def _label_issues(report: ScanReport) -> dict[str, Any]:
    expected = report.expected
    said = [*label_expectation(expected), *said_by_predictions(report)]
    return {"remarks": said}


def _leaks(report: ScanReport) -> dict[str, Any]:
    return {
        "details": _leak_pairs(report.leak_matrix),
        "remarks": _leak_remarks(report),
    }


def _scenes(report: ScanReport) -> dict[str, Any]:
    counts = report.counts
    leaks = counts["scene_leaks"]
    return {
        "note": f"other moments or views of {counted(counts['scene_groups'], 'scene')}",
        "details": _leak_pairs({"scenes": report.scene_matrix}),
        "remarks": [
            *[
                f"{leaks:,} have another moment of their scene in another split, and "
                "no copy; they are not removed by default"
            ]
            * bool(leaks),
            *recordings(report),
        ],
    }


def recordings(report: ScanReport) -> list[str]:
    """Says which images are frames, how near those of two splits are, and of thinning.

    Of two splits the smaller one is measured: what is tested beside what is learned.
    """
    counts, steps = report.counts, report.sequence_steps
    if not counts["sequences"]:
        return _thinning(report)
    groups = counts["sequence_groups"]
    remarks = [
        f"{counts['sequences']:,} are frames of "
        + ("one recording" if groups == 1 else f"{groups:,} recordings or bursts")
    ]
    for split, others in steps.items():
        for other, near in others.items():
            back = steps[other][split]
            if (near["images"], split) > (back["images"], other):
                continue
            shares = [
                share_text(near[name], near["images"])
                for name in ("frames", "one_step", "two_steps")
            ]
            remarks.append(
                f"of the {near['images']:,} images in {split} {shares[0]} share a "
                f"recording with {other}, {shares[1]} are one step from a frame there "
                f"and {shares[2]} at most two"
            )
    if steps:
        remarks.append(
            'split with group_field="winnow_sequence" keeps recordings together'
        )
    return [*remarks, *_thinning(report)]


def _thinning(report: ScanReport) -> list[str]:
    counts = report.counts
    if not counts["thinned"]:
        return []
    return [
        f"thinned: {counts['thinned'] - counts['bursts']:,} of {counts['thinned']:,} "
        "are kept"
    ]


def _image_issues(report: ScanReport) -> dict[str, Any]:
    # The details say what the note says
    issues = {name.replace("_", " "): report.counts[name] for name in ISSUES}
    return {"note": "", "details": issues}


def _video_issues(report: ScanReport) -> dict[str, Any]:
    issues = {
        name.replace("_", " "): report.counts[f"video_{name}"] for name in ALL_ISSUES
    }
    return {"note": "", "details": issues, "remarks": video_remarks(report.counts)}


def video_remarks(counts: Mapping[str, int]) -> list[str]:
    """Says what videos share besides copies, and how their stretches are seen."""
    remarks = []
    if shared := counts["segments_shared"]:
        remarks.append(
            f"{shared:,} stretches are in another video too, which is no copy"
        )
    if intros := counts["segments_intro"]:
        remarks.append(f"{intros:,} stretches are the intro of a series, and no copies")
    if any(counts[f"segments_{name}"] for name in SEGMENTS):
        remarks.append('each stretch is a clip in show(dataset, "segments")')
    return [*remarks, *playing(counts)]


def playing(counts: Mapping[str, int]) -> list[str]:
    """Says what the App cannot play, on this machine and in a browser."""
    remarks = []
    if shutil.which("ffprobe") is None:
        remarks.append(
            "the App plays videos only where ffmpeg is installed (apt, brew or winget "
            "install ffmpeg, then start the App anew); a scan does without"
        )
    if count := counts["videos_not_played"]:
        remarks.append(
            f"{count:,} have a codec that browsers do not play; "
            "fiftyone.utils.video.reencode_videos, which needs ffmpeg, converts them"
        )
    return remarks


def _unreadable(report: ScanReport) -> dict[str, Any]:
    statuses = {
        name.removeprefix(_STATUS).replace("_", " "): count
        for name, count in report.counts.items()
        if name.startswith(_STATUS)
    }
    return {"note": "", "details": statuses}


def _object_label_issues(report: ScanReport) -> dict[str, Any]:
    counts = report.counts
    labeled = counts["objects_labeled"]
    # Runs of before did not count them
    left = labeled - counts.get("objects_judged", labeled)
    few = (
        f"{left:,} of {labeled:,} labels are not judged: fewer than {FEWEST_OF_CLASS} "
        "objects of their class, or no crop"
    )
    return {"remarks": [few] if left else []}


def _object_duplicates(report: ScanReport) -> dict[str, Any]:
    clusters = counted(report.counts["object_clusters"], "cluster")
    return {"note": f"in {clusters} of equal crops, in pictures that are no copies"}


def _bad_boxes(report: ScanReport) -> dict[str, Any]:
    issues = {
        name.replace("_", " "): report.counts[f"box_{name}"] for name in BOX_ISSUES
    }
    hints = ", ".join(
        f"{name} {n:,}" for name, n in issues.items() if n and name not in MISTAKES
    )
    return {
        "note": "",
        "details": {name: issues[name] for name in MISTAKES},
        "remarks": [f"worth a look: {hints}"] if hints else [],
    }


def _box_disagreements(report: ScanReport) -> dict[str, Any]:
    counts = report.counts
    if not counts["objects_with_copies"]:
        return {"note": "no picture with objects has a copy to compare with"}
    found, pictures = counts["box_disagreements"], counts["pictures_in_conflict"]
    of = f"of {counts['objects_with_copies']:,} boxes on pictures that have a copy"
    kinds = {kind: counts[f"copies_{kind.replace(' ', '_')}"] for kind in DISAGREEMENTS}
    note = f"{of}; {pictures:,} pictures" if found else of
    return {"note": note, "details": kinds}


_MORE: Mapping[str, Callable[[ScanReport], dict[str, Any]]] = {
    "duplicates": _duplicates,
    "outliers": _outliers,
    "label_issues": _label_issues,
    "leaks": _leaks,
    "scenes": _scenes,
    "image_issues": _image_issues,
    "unreadable": _unreadable,
    "video_issues": _video_issues,
    "object_label_issues": _object_label_issues,
    "object_duplicates": _object_duplicates,
    "bad_boxes": _bad_boxes,
    "box_disagreements": _box_disagreements,
}
"""What a line says besides its count, where a note is not enough."""


def _headline(report: ScanReport) -> str:
    images, kind = report.counts["images"], report.kind
    rate = images / max(report.total_seconds, 1e-9)
    objects = f" and {report.counts['objects']:,} objects" if report.has_objects else ""
    if _READ not in report.seconds:
        return f"Winnow applied the thresholds to {images:,} scanned {kind}{objects}"
    speed = f" ({rate:,.0f} a second)" if rate >= 1 else ""
    return (
        f"Winnow scanned {images:,} {kind}{objects} in {report.total_seconds:.1f} s"
        f"{speed} with {report.model}"
    )


def _text_lines(report: ScanReport) -> Iterable[str]:
    yield _headline(report)
    yield ""
    lines = list(finding_lines(report))
    width = max(len(line.finding.label) for line in lines) + 1
    for line in lines:
        share, label = _share(report, line), line.finding.label
        yield f"  {label:<{width}}{line.count:>9,}  {share:>7}  {line.note}".rstrip()
        for remark in (_details(line), *line.remarks):
            if remark:
                yield f"{'':{width + 22}}{plain(remark)}"
    for text in set_sentences(report.overview):
        yield ""
        yield from wrap(plain(text), _TEXT_WIDTH, subsequent_indent="  ")


def _markdown_lines(report: ScanReport) -> Iterable[str]:
    yield escape_markdown(_headline(report))
    yield ""
    yield f"| Finding | {'Count' if report.has_objects else 'Images'} | Share | |"
    yield "| :-- | --: | --: | :-- |"
    for line in finding_lines(report):
        parts = (line.note, _details(line), *line.remarks)
        notes = escape_markdown("; ".join(part for part in parts if part))
        share, label = _share(report, line), line.finding.label
        yield f"| {label} | {line.count:,} | {share} | {notes} |"
    for text in set_sentences(report.overview):
        yield ""
        yield escape_markdown(text)


def _share(report: ScanReport, line: Line) -> str:
    share = line.share(report)
    return "" if share is None else share_text(share, 1)


def _details(line: Line) -> str:
    return ", ".join(f"{name} {n:,}" for name, n in line.details.items() if n)


def expectation(expected: Mapping[str, Any]) -> list[str]:
    """Says what the threshold on copies finds, and what it lets pass."""
    # Runs of before tried no compositions
    if "covered_copy_recall" not in expected:
        return []
    by_change = expected["copy_recall_by_change"]
    hard = sorted(by_change, key=lambda name: (by_change[name], name))[:_CHANGES_NAMED]
    least = ", ".join(f"{name} {by_change[name]:.0%}" for name in hard)
    found = (
        "estimated recall of near duplicates: "
        f"{_interval(expected, 'copy_recall')} with one change (lowest: {least}), "
        f"{_interval(expected, 'composed_copy_recall')} with two to five, "
        f"{_interval(expected, 'covered_copy_recall')} with a caption, mark or frame "
        f"among these ({expected['copies_tried']:,} synthetic copies)"
    )
    if expected["false_copy_rate"] is None:
        return [found]
    passed = round(expected["false_copy_rate"] * expected["non_copies_tried"])
    return [
        found,
        f"{passed:,} of {expected['non_copies_tried']:,} known non-duplicate pairs "
        "would be accepted (look-alikes not included)",
    ]


def _interval(expected: Mapping[str, Any], name: str) -> str:
    """Returns "92 % (87 to 95)": a share and its 95 % interval."""
    low, high = (100 * end for end in expected[f"{name}_interval"])
    return f"{100 * expected[name]:.0f} % ({low:.0f} to {high:.0f})"


def label_expectation(expected: Mapping[str, Any]) -> list[str]:
    """Says which share of the label issues is wrong, and of the wrong is found."""
    if "label_precision" not in expected:
        return []
    wrong, precision, recall = (
        expected[name] for name in ("wrong_labels", "label_precision", "label_recall")
    )
    return [
        f"about {wrong:,} are estimated to be wrong; of those flagged {precision:.0%} "
        f"are, and {recall:.0%} of the wrong are flagged (from known flips)"
    ]


def said_by_predictions(report: ScanReport) -> list[str]:
    """Says what came of the predictions, and whether they can be a witness."""
    expected = report.expected
    if not expected.get("predicted"):
        return []
    counts = report.counts
    said = (
        f"the predictions agree with {expected['prediction_agreement']:.0%} of "
        f"{expected['predicted']:,} labels; of {counts['confidently_wrong']:,} images "
        "the model is sure and has another class (confidently_wrong)"
    )
    if not expected["predictions_repeat"]:
        return [said]
    return [
        said,
        "the predictions confirm nearly all labels that similar images contradict, as "
        "a model does that learned them, so they do not count: give predictions of "
        "images that it did not learn (cross-validation)",
    ]


def outlier_expectation(expected: Mapping[str, Any]) -> list[str]:
    """Says how sure the default threshold on outliers is."""
    if "outlier_agreement" not in expected:
        return []
    return [
        f"people agreed with about {expected['outlier_agreement']:.0%} of what this "
        "rule flags on other sets; the farthest are the surest"
    ]


def plain_pages(counts: Mapping[str, int]) -> list[str]:
    """Says why some copies are in no selection."""
    # Runs of before did not count them
    count = counts.get("too_plain", 0)
    if not count:
        return []
    return [
        f"{count:,} {'looks' if count == 1 else 'look'} equal to another but "
        f"{'is' if count == 1 else 'are'} too plain to tell (pages may differ in "
        "text): look at them; none is removed by default"
    ]


def changes_of_meaning(counts: Mapping[str, int]) -> list[str]:
    """Says where most copies of one change carry different labels."""
    hints = []
    for name in CHANGES_OF_MEANING:
        pairs = counts.get(f"pairs_{name}", 0)
        other = counts.get(f"pairs_{name}_other_label", 0)
        if pairs >= _FEWEST_PAIRS and 2 * other > pairs:
            hints.append(
                f"{other:,} of {pairs:,} {name} pairs have different labels: being "
                f"{name} may make another class here; leave them out with "
                f'ignored_changes=["{name}"]'
            )
    return hints


def _leak_remarks(report: ScanReport) -> list[str]:
    """Says which side to drop, what labels disagree, and where leaks are."""
    counts = report.counts
    if not counts["leaks"]:
        return []
    protected = counts["leak_drops_protected"]
    # Runs of before did not count them
    chosen = counts.get("leak_drops_chosen", 0)
    why = {
        "a test or validation split": protected,
        "a smaller split": counts["leaks_to_remove"] - protected - chosen,
        "the split that you chose": chosen,
    }
    kept = " or ".join(f"{split} ({n:,})" for split, n in why.items() if n)
    remarks = [
        f"removing {counts['leaks_to_remove']:,} closes them"
        + ", but for those too plain to tell" * bool(counts.get("too_plain"))
        + (f"; their copy is in {kept}" if kept else "")
    ]
    if counts["leak_conflicts"]:
        remarks.append(
            f"{counts['leak_conflicts']:,} have another label in the other split"
        )
    of_class: Counter[str] = Counter()
    for row in report.leaks_by_class:
        of_class[row["class"]] += sum(row[kind] for kind in KINDS)
    if of_class:
        most = sorted(of_class, key=lambda name: (-of_class[name], name))
        named = ", ".join(
            f"{name} {of_class[name]:,}" for name in most[:_CLASSES_NAMED]
        )
        rest = len(most) - _CLASSES_NAMED
        more = f" and {rest:,} more classes" if rest > 0 else ""
        remarks.append(f"by class: {named}{more}")
    return remarks


def _leak_pairs(matrix: _Matrix) -> dict[str, int]:
    pairs: dict[str, int] = {}
    for by_split in matrix.values():
        for one, others in by_split.items():
            for other, count in others.items():
                name = f"{one} in {other}"
                pairs[name] = pairs.get(name, 0) + count
    return pairs
