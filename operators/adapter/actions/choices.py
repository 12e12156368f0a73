"""Which samples a selection is, and why each: one function per kind of choice."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from ....core.common.text import distance_text, score_text
from ....core.errors import InputError
from ....core.findings.duplicates import KINDS
from ....core.findings.schema import QUARANTINED, UNREADABLE
from ..dataset.decisions import MAY_GO, decided_ids, decided_labels
from .copy_choices import (
    choose_damaged_files,
    choose_duplicates,
    choose_leaks,
    choose_proven,
)
from .sample_index import SampleIndex
from .selection import PROVEN, Choice, Selection

_AWAY = "its file is in quarantine, or gone"

Select = Callable[[SampleIndex, Selection, "set[int] | None"], Iterator[Choice]]


def choose(
    index: SampleIndex, selection: Selection, among: Sequence[str] | None
) -> list[Choice]:
    """Returns the samples of a selection.

    Args:
        index: samples of the data set
        selection: what to act on
        among: ids of the view that the selection is limited to; None for the
            whole data set

    Raises:
        InputError: nothing chosen; a split or a tag that is not there; the whole
            data set
        ScanNotFoundError: it was not scanned yet
        StaleRunError: its scan was cut short, or is out of date
    """
    if selection.what is None:
        raise InputError("Say what to act on: what='duplicates', for example.")
    inside = None if among is None else {index.row_of[one] for one in among}
    by_hand = _SELECT[selection.what] in (_tag, _view, _may_go, _relabel)
    return [
        choice if choice.row in index.here else replace(choice, refusal=_AWAY)
        for choice in _SELECT[selection.what](index, selection, inside)
        if (inside is None or choice.row in inside)
        and (by_hand or choice.row in index.here)
    ]


def _label_issues(
    index: SampleIndex, selection: Selection, _: set[int] | None
) -> Iterator[Choice]:
    scores, suggestions = (
        index.finding("label_score"),
        index.finding("label_suggestion"),
    )
    pair = selection.pair and tuple(selection.pair)
    rows = [row for row, issue in enumerate(index.finding("label_issue")) if issue]
    for row in sorted(rows, key=lambda row: scores[row]):
        if not pair or pair == (index.labels[row], suggestions[row]):
            yield Choice(
                row,
                f"labeled '{index.labels[row]}', similar images '{suggestions[row]}' "
                f"(score {score_text(scores[row])})",
            )


def _outliers(
    index: SampleIndex, selection: Selection, _: set[int] | None
) -> Iterator[Choice]:
    distances, causes = (
        index.finding("outlier_distance"),
        index.finding("outlier_cause"),
    )
    for row, outlier in enumerate(index.finding("outlier")):
        if outlier:
            cause = f", {causes[row]}" if causes[row] else ""
            yield Choice(
                row, f"outlier at distance {distance_text(distances[row])}{cause}"
            )


def _image_issues(
    index: SampleIndex, selection: Selection, _: set[int] | None
) -> Iterator[Choice]:
    for row, issues in enumerate(index.finding("image_issues")):
        wanted = [issue for issue in issues or () if issue in selection.issues]
        if wanted:
            yield Choice(row, ", ".join(wanted).replace("_", " "))


def _not_read(
    index: SampleIndex, selection: Selection, _: set[int] | None
) -> Iterator[Choice]:
    others = (None, "ok", QUARANTINED, *UNREADABLE)
    for row, status in enumerate(index.finding("scan_status")):
        if status not in others:
            yield Choice(row, status.replace("_", " "))


def _may_go(
    index: SampleIndex, selection: Selection, inside: set[int] | None
) -> Iterator[Choice]:
    decided = decided_ids(index.dataset, MAY_GO)
    rows = {index.row_of[one] for one in decided if one in index.row_of}
    if inside is not None:
        rows &= inside
    copies: dict[int, Choice] = {}
    if rows and index.run is not None:
        # Who looked at them has seen their labels, and that they are plain
        looked_at = replace(selection, include_conflicts=True, kinds=KINDS)
        copies = {one.row: one for one in choose_duplicates(index, looked_at, rows)}
    for row in sorted(rows):
        copy = copies.get(row)
        if copy is None or copy.refusal:
            yield Choice(row, "you decided that it may go")
        else:
            yield copy


def _relabel(
    index: SampleIndex, selection: Selection, _: set[int] | None
) -> Iterator[Choice]:
    for sample, label in decided_labels(index.dataset).items():
        row = index.row_of.get(sample)
        if row is not None and index.labels[row] != label:
            why = f"you decided that '{index.labels[row]}' is '{label}'"
            yield Choice(row, why, label=label)


def _bursts(
    index: SampleIndex, selection: Selection, _: set[int] | None
) -> Iterator[Choice]:
    burst_of = index.finding("burst")
    kept_of: dict[int, int] = {}
    going = []
    for row, kept in enumerate(index.finding("burst_keep")):
        if kept:
            kept_of.setdefault(burst_of[row], row)
        elif kept is False:
            going.append(row)
    in_part = _differing_in_part(index) if going else set()
    for row in going:
        # Frames are no copies: what stays is named, and counts as no copy that stays
        stays = kept_of.get(burst_of[row])
        if stays is None:
            yield Choice(row, "of a burst", None, "no image of its burst is left")
            continue
        differs = index.ids[row] in in_part
        how = "differs in a part from" if differs else "shows no more than"
        yield Choice(row, f"{how} {index.name(stays)}")


def _differing_in_part(index: SampleIndex) -> set[str]:
    """Returns the ids of frames of which a part differs from the kept one."""
    run = index.stored
    thinning = run.scan_data.thinning
    if thinning is None:
        return set()
    return {run.ids[row] for row in thinning.in_part.nonzero()[0].tolist()}


def _tag(
    index: SampleIndex, selection: Selection, _: set[int] | None
) -> Iterator[Choice]:
    rows = [row for row, tags in enumerate(index.tags) if selection.tag in (tags or ())]
    if not rows:
        raise InputError(f"No sample is tagged '{selection.tag}'.")
    for row in rows:
        yield Choice(row, f"tagged '{selection.tag}'")


def _view(
    index: SampleIndex, selection: Selection, inside: set[int] | None
) -> Iterator[Choice]:
    if inside is None:
        raise InputError(
            "There is no view: this would mean the whole data set. Filter it or "
            "select samples first; from Python, give the view in place of the data set."
        )
    for row in sorted(inside):
        yield Choice(row, "chosen by hand")


_SELECT: dict[str, Select] = {
    PROVEN: choose_proven,
    "duplicates": choose_duplicates,
    "leaks": choose_leaks,
    "label_issues": _label_issues,
    "outliers": _outliers,
    "image_issues": _image_issues,
    "unreadable": choose_damaged_files,
    "not_read": _not_read,
    "may_go": _may_go,
    "relabel": _relabel,
    "bursts": _bursts,
    "tag": _tag,
    "view": _view,
    "selected": _view,
}
