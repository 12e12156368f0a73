"""Which copies may go, beside which that stays: duplicates, leaks, safe by proof."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from ....core.copy_detection import PARTLY, TOO_PLAIN
from ....core.errors import InputError
from ....core.findings.leaks import NO_SPLIT, copies_elsewhere
from ....core.findings.schema import UNREADABLE, is_unsure
from ....core.reading.jpeg_damage import NO_DAMAGE
from ....core.scan.apply_thresholds import accepted_pairs
from ....core.scan.scan_data import sample_damage
from ..dataset.decisions import read_decisions
from ..runs.reapply import settings_of
from .sample_index import SampleIndex
from .selection import Choice, Selection

_KIND_WORDS = {
    "bytes": "same content as",
    "pixels": "same picture as",
    "near": "near copy of",
}
_PLAIN = (
    "it looks equal to its copy, but both are too plain to tell (pages may differ in "
    "text): look at them, and tag it if it may go (what='tag')"
)
_PARTLY = (
    "it may show what its copy does not, since they share a part of each: look at "
    "both, and tag it if it may go (what='tag')"
)


def choose_duplicates(
    index: SampleIndex, selection: Selection, inside: set[int] | None
) -> Iterator[Choice]:
    """Yields the copies of the chosen kinds, each beside a file that stays.

    Args:
        index: samples of the data set
        selection: kinds of duplicates, and whether conflicts are included
        inside: rows that the selection is limited to; what lies outside stays
    """
    members: dict[int, list[int]] = {}
    for row, cluster in enumerate(index.finding("dup_cluster")):
        if cluster is not None:
            members.setdefault(cluster, []).append(row)
    is_keeper, kind_of = index.finding("dup_keeper"), index.finding("dup_kind")
    relation_of = index.finding("dup_relation")
    for cluster in sorted(members):
        rows = members[cluster]
        keeper = next((row for row in rows if is_keeper[row]), None)
        going = [
            row for row in rows if row != keeper and kind_of[row] in selection.kinds
        ]
        refusal = None
        labels = {index.labels[row] for row in rows} - {None}
        if len(labels) > 1 and not selection.include_conflicts:
            refusal = "its copies have different labels: decide which is right first"
        if keeper is None:
            refusal = "its cluster has no copy to keep: scan again"
            for row in going:
                yield Choice(row, _KIND_WORDS[kind_of[row]], None, refusal)
            continue
        staying = [keeper, *(row for row in rows if row not in {keeper, *going})]
        if inside is not None:
            staying += [row for row in going if row not in inside]
        staying += [row for row in going if is_unsure(relation_of[row])]
        for row in going:
            kept_copy, how = _equal_among(index, row, staying)
            why = f"{_KIND_WORDS[how]} {index.name(kept_copy)}"
            if how == "near" and relation_of[row]:
                why += f" ({relation_of[row]})"
            unsure = index.not_compared(row, kept_copy) if how == "near" else None
            if how == "near" and relation_of[row] == TOO_PLAIN:
                unsure = _PLAIN
            if how == "near" and (relation_of[row] or "").startswith(PARTLY):
                unsure = _PARTLY
            yield Choice(row, why, kept_copy, refusal or unsure)


def choose_leaks(
    index: SampleIndex, selection: Selection, _: set[int] | None
) -> Iterator[Choice]:
    """Yields the images of a split that have a copy in another one.

    Args:
        index: samples of the data set
        selection: the split that loses them, and two splits that limit them
        _: unused; what a leak relies on may lie outside

    Raises:
        InputError: a split that the scan does not know
    """
    run, scan_data = index.stored, index.stored.scan_data
    samples = scan_data.samples
    names = samples.split_names
    if selection.split is not None and selection.split not in names:
        known = ", ".join(names) or "none: scan with split_by"
        raise InputError(
            f"There is no split '{selection.split}' in the last scan. Splits: {known}."
        )
    drop = index.finding("leak_remove") if selection.split is None else None
    decided = read_decisions(index.dataset, run.ids, scan_data)
    accepted = accepted_pairs(scan_data, settings_of(run.record), decided)
    pairs = scan_data.pairs
    sure, every = pairs.images[accepted & ~pairs.unsure], pairs.images[accepted]
    rows_here = [index.row_of.get(one) for one in run.ids]
    goes = np.array(
        [drop is not None and row is not None and bool(drop[row]) for row in rows_here],
        bool,
    )
    damaged = sample_damage(samples, scan_data.files) != NO_DAMAGE
    for code, name in enumerate(names):
        if selection.split not in (None, name):
            continue
        copies = np.full(len(goes), -1)
        # A whole copy that stays, where there is one; not one that is to go as well
        for lesser in (goes | damaged, goes, np.zeros_like(goes)):
            hidden = lesser & (samples.splits != code)
            staying = np.where(hidden, NO_SPLIT, samples.splits)
            found = copies_elsewhere(staying, scan_data.sample_images, sure, code)
            copies = np.where(copies < 0, found, copies)
        unsure = copies < 0
        found = copies_elsewhere(samples.splits, scan_data.sample_images, every, code)
        copies = np.where(unsure, found, copies)
        for row, copy in enumerate(copies.tolist()):
            victim, kept_copy = rows_here[row], rows_here[copy]
            if copy < 0 or victim is None or kept_copy is None:
                continue
            other = names[samples.splits[copy]]
            if selection.between and {name, other} != set(selection.between):
                continue
            if drop is None or drop[victim]:
                why = f"{name} image with a copy in {other}"
                refusal = index.not_compared(victim, kept_copy)
                if unsure[row]:
                    refusal = _PLAIN if scan_data.videos is None else _PARTLY
                if damaged[copy] and not damaged[row]:
                    refusal = "its copy that would stay is damaged inside"
                yield Choice(victim, why, kept_copy, refusal)


def choose_proven(
    index: SampleIndex, selection: Selection, inside: set[int] | None
) -> Iterator[Choice]:
    """Yields what may go without a person's eyes.

    That is exact copies, damaged files and the removable side of exact leaks, as
    :class:`Choice`; none of them is what another of them relies on to stay.
    """
    exact = replace(selection, kinds=("bytes", "pixels"))
    staying: set[int] = set()
    chosen: set[int] = set()
    for one in (
        *choose_duplicates(index, exact, inside),
        *choose_damaged_files(index, selection, inside),
        *(
            leak
            for leak in choose_leaks(index, selection, inside)
            if _equal(index, leak)
        ),
    ):
        # Of two findings the first says why; what one relies on does not go
        if one.row in chosen or one.row in staying:
            continue
        chosen.add(one.row)
        if one.kept_copy is not None:
            staying.add(one.kept_copy)
        yield one


def choose_damaged_files(
    index: SampleIndex, selection: Selection, _: set[int] | None
) -> Iterator[Choice]:
    """Yields the files that are damaged or empty."""
    for row, status in enumerate(index.finding("scan_status")):
        if status in UNREADABLE:
            yield Choice(row, status)


def _equal_among(
    index: SampleIndex, row: int, staying: Sequence[int]
) -> tuple[int, str]:
    """Returns which of the files that stay a copy equals most, and how.

    Args:
        index: samples of the data set
        row: of the copy
        staying: rows of its cluster that stay; the copy to keep is the first, and
            the only one that it is near to for certain
    """
    for kind, value in (("bytes", index.sha256), ("pixels", index.pixels)):
        for other in staying:
            equal = value[row] is not None and value[other] == value[row]
            if equal and other != row:
                return other, kind
    return staying[0], "near"


def _equal(index: SampleIndex, choice: Choice) -> bool:
    """True if a copy and the one that stays show the same to the last bit, with one
    label."""
    one, other = choice.row, choice.kept_copy
    if other is None or index.labels[one] != index.labels[other]:
        return False
    return any(
        value[one] is not None and value[one] == value[other]
        for value in (index.sha256, index.pixels)
    )
