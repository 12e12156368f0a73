"""What is to be said of a scan's findings beside their counts, in sentences."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Mapping
from typing import Any

from ....core.common.text import first_of, percent_text, share_text
from ....core.copy_detection import CHANGES_OF_MEANING
from ....core.findings.duplicates import KINDS
from ....core.videos.segments import SEGMENTS
from .scan_outcome import ScanOutcome

_CLASSES_NAMED = 5
_CHANGES_NAMED = 3
_FEWEST_PAIRS = 5
"""Of one change, to say something of their labels."""


def expectation(expected: Mapping[str, Any]) -> list[str]:
    """Says what the threshold on copies finds, and what it lets pass."""
    # Runs of before tried no compositions
    if "covered_copy_recall" not in expected:
        return []
    by_change = expected["copy_recall_by_change"]
    hard = sorted(by_change, key=lambda name: (by_change[name], name))[:_CHANGES_NAMED]
    least = ", ".join(f"{name} {percent_text(by_change[name])}" for name in hard)
    found = (
        "estimated recall of near duplicates: "
        f"{_share(expected, 'copy_recall')} with one change (lowest: {least}), "
        f"{_share(expected, 'composed_copy_recall')} with two to five, "
        f"{_share(expected, 'covered_copy_recall')} with a caption, mark or frame "
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


def _share(expected: Mapping[str, Any], name: str) -> str:
    """Returns "92 % (87 to 95)": a share and its 95 % interval."""
    # Runs of before knew no interval of some
    if f"{name}_interval" not in expected:
        return percent_text(expected[name])
    low, high = (100 * end for end in expected[f"{name}_interval"])
    return f"{100 * expected[name]:.0f} % ({low:.0f} to {high:.0f})"


def label_expectation(report: ScanOutcome) -> list[str]:
    """Says which share of the label issues is wrong, and of the wrong is found.

    The estimate counts equal pictures once, as one decision is wrong or right of all.
    """
    expected, flagged = report.expected, report.counts["label_issues"]
    if "label_precision" not in expected:
        return []
    if not flagged:
        wrong = expected["wrong_labels"]
        return [f"about {wrong:,} are estimated to be wrong (from known flips)"]
    precision = _share(expected, "label_precision")
    # Runs of before did not count them
    pictures = report.counts.get("label_issue_pictures", flagged)
    are = "is" if pictures == 1 else "are"
    once = f"{pictures:,} {are} flagged where equal pictures count once, and "
    return [
        f"{once * (pictures != flagged)}"
        f"about {expected['wrong_labels']:,} are estimated to be wrong; of those "
        f"flagged {precision} are, and about "
        f"{percent_text(expected['label_recall'])} of the wrong are flagged (from "
        "known flips)"
    ]


def said_by_predictions(report: ScanOutcome) -> list[str]:
    """Says what came of the predictions, and whether they count as evidence."""
    expected = report.expected
    if not expected.get("predicted"):
        return []
    counts = report.counts
    said = (
        "the predictions agree with "
        f"{percent_text(expected['prediction_agreement'])} of "
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


def outlier_expectation(report: ScanOutcome) -> list[str]:
    """Says how sure the default threshold on outliers is."""
    if "outlier_agreement" not in report.expected or not report.counts["outliers"]:
        return []
    agreed = _share(report.expected, "outlier_agreement")
    return [
        f"people agreed with about {agreed} of what this rule flags on other sets; the "
        "farthest are the surest"
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


def leak_remarks(report: ScanOutcome) -> list[str]:
    """Says which side to remove, what labels disagree, and where leaks are."""
    counts = report.counts
    if not counts["leaks"]:
        return []
    # Older runs did not count them
    protected = counts.get("leaks_to_remove_protected", 0)
    chosen = counts.get("leaks_to_remove_chosen", 0)
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
        named = [f"{name} {of_class[name]:,}" for name in most]
        remarks.append(f"by class: {first_of(named, _CLASSES_NAMED)}")
    return remarks


def recordings(report: ScanOutcome) -> list[str]:
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


def _thinning(report: ScanOutcome) -> list[str]:
    counts = report.counts
    if not counts["thinned"]:
        return []
    return [
        f"thinned: {counts['thinned'] - counts['bursts']:,} of {counts['thinned']:,} "
        "are kept"
    ]


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
            "install ffmpeg, then restart the App); a scan does without"
        )
    if count := counts["videos_not_played"]:
        remarks.append(
            f"{count:,} have a codec that browsers do not play; "
            "fiftyone.utils.video.reencode_videos, which needs ffmpeg, converts them"
        )
    return remarks
