"""What an action is for: which samples, why each, and which copy stays."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import KW_ONLY, dataclass, replace
from functools import cached_property
from typing import Any, TypeVar

import fiftyone as fo
import numpy as np

from ....core.common.text import short_path
from ....core.copy_detection import TOO_PLAIN
from ....core.errors import CurationError, InputError
from ....core.findings.duplicates import KINDS
from ....core.findings.image_issues import ISSUES, SURE_ISSUES
from ....core.findings.leaks import NO_SPLIT, copies_elsewhere
from ....core.findings.registry import OBJECT_FINDINGS, SET_FINDINGS
from ....core.findings.schema import QUARANTINED, UNREADABLE, is_unsure
from ....core.reading.jpeg_damage import NO_DAMAGE
from ....core.scan.apply_thresholds import accepted_pairs
from ....core.scan.scan_data import sample_damage
from ..dataset.decisions import (
    MAY_GO,
    decided_ids,
    decided_labels,
    read_decisions,
)
from ..dataset.fields import field_name
from ..dataset.labels import label_field_of
from ..dataset.present import is_present
from ..runs.reapply import settings_of
from ..runs.run_record import ScanRun, complete_run
from ..runs.stored_run import StoredRun, load_run

Value = TypeVar("Value")

PROVEN = "proven"
"""What may go without a person's eyes."""

WHAT = {
    PROVEN: "Safe by proof: exact copies, damaged files, exact leaks",
    "duplicates": "Duplicates: all but the copy to keep",
    "leaks": "Leaks: images with a copy in another split",
    "label_issues": "Labels that seem wrong",
    "outliers": "Outliers",
    "image_issues": "Bad images: damaged, dark, blurry ...",
    "unreadable": "Files that are damaged or empty",
    "not_read": "Files that may be whole, but are of a kind or size that is not read",
    "may_go": "What you decided may go",
    "relabel": "Labels that you decided to correct",
    "bursts": "Frames that show no more than a kept one, where thin was run",
    "tag": "Samples with a tag",
    "view": "The samples of the current view",
    "selected": "The selected samples",
}
"""What can be acted on, and how a form calls it."""

_KIND_WORDS = {
    "bytes": "same content as",
    "pixels": "same picture as",
    "near": "near copy of",
}


@dataclass(frozen=True)
class Selection:
    """The images to act on.

    Attributes:
        what (None): what to act on: ``proven`` (what ``clean`` recommends),
            ``duplicates`` (all but the keepers; with
            ``kinds``), ``leaks`` (the side to remove, or that of ``split``; with
            ``between`` only those of two splits), ``label_issues`` (with ``pair``),
            ``outliers``, ``image_issues`` (with ``issues``), ``unreadable``,
            ``not_read``, ``may_go`` and ``relabel`` (what was decided of them),
            ``bursts`` (what ``thin`` found to be redundant), ``tag`` (with ``tag``), or
            ``view`` for all samples of the view
        kinds (all): kinds of duplicates: ``bytes``, ``pixels`` and ``near``
        include_conflicts (False): include duplicates with different labels
        split (None): the side of leaks to act on; None for the side that the scan
            marks with leak_remove
        tag (None): tag of the samples, for ``what="tag"``
        issues: image issues; those that only differ from their set must be named
        pair (None): given and suggested label that limit label issues; None for all
        between (None): two splits that limit leaks; None for all
        prefix (None): prefix of the scan's fields
    """

    # No option: whether findings of objects can be chosen
    takes_objects = False

    what: str | None = None
    _: KW_ONLY
    kinds: Sequence[str] = KINDS
    include_conflicts: bool = False
    split: str | None = None
    tag: str | None = None
    issues: Sequence[str] = SURE_ISSUES
    pair: Sequence[str] | None = None
    between: Sequence[str] | None = None
    prefix: str | None = None

    def __post_init__(self) -> None:
        if self.what in OBJECT_FINDINGS and not self.takes_objects:
            raise InputError(
                f"'{self.what}' is a finding of objects, and this works on whole "
                "images. Use retag for other labels, or remove_objects."
            )
        if self.what in SET_FINDINGS:
            raise InputError(
                f"'{self.what}' is a finding of the set as a whole, and its images are "
                "no worse than others. Look at them with show."
            )
        known = (*WHAT, *OBJECT_FINDINGS) if self.takes_objects else WHAT
        if self.what is not None and self.what not in known:
            raise InputError(
                f"what={self.what!r} is not known. Use one of: {', '.join(known)}."
            )
        _check_among("kinds", self.kinds, KINDS)
        _check_among("issues", self.issues, ISSUES)
        _check_two("pair", self.pair, "given and suggested label")
        _check_two("between", self.between, "splits")
        if self.what == "tag" and not self.tag:
            raise InputError("Say which tag: tag='outdated', for example.")


@dataclass(frozen=True, slots=True)
class Choice:
    """A sample that is acted on.

    Attributes:
        row: of the samples
        why: a few words
        kept_copy: row of the copy that stays; None if none is needed
        refusal: why it must be left alone
        label: that a person decided it should get; None for the action's
    """

    row: int
    why: str
    kept_copy: int | None = None
    refusal: str | None = None
    label: str | None = None


class SampleIndex:
    """What is asked of all samples of a data set, one value a row, by id.

    Attributes:
        ids: sorted
        paths: as the data set spells them
        tags: of each sample
        labels: the label of each, None without
        splits: the split of each, None without
        here: rows of the samples that are present; nothing is found of others
    """

    def __init__(self, dataset: fo.Dataset, prefix: str | None) -> None:
        self.dataset = dataset
        self.prefix = prefix
        self._view = dataset.view().sort_by("id")
        self.ids, self.paths, self.tags = self._view.values(["id", "filepath", "tags"])
        self.row_of = {sample: row for row, sample in enumerate(self.ids)}
        self.here = {
            row
            for row, (path, tags) in enumerate(zip(self.paths, self.tags, strict=True))
            if is_present(path, tags)
        }

    @cached_property
    def run(self) -> ScanRun | None:
        """The record of the finished scan, None without one."""
        try:
            return complete_run(self.dataset, self.prefix)
        except CurationError:
            return None

    @cached_property
    def stored(self) -> StoredRun:
        """The stored scan; raises ``ScanNotFoundError`` without one."""
        return load_run(self.dataset, self.prefix)

    @cached_property
    def label_field(self) -> str | None:
        field = self.run.label_field if self.run else None
        return field if field in self.dataset.get_field_schema() else None

    @cached_property
    def labels(self) -> list[str | None]:
        if self.label_field is None:
            return [None] * len(self.ids)
        return label_field_of(self._view, self.label_field).texts(self._view)

    @cached_property
    def stored_labels(self) -> list[Any]:
        """What stands where a label is replaced."""
        assert self.label_field is not None
        field = label_field_of(self.dataset, self.label_field)
        return field.stored(self.dataset, self.ids)

    @cached_property
    def splits(self) -> list[str | None]:
        split_by = self.run and self.run.split_by
        if not split_by:
            return [None] * len(self.ids)
        if isinstance(split_by, str):
            splits: list[str | None] = self._view.values(split_by)
            return splits
        return [
            next((tag for tag in split_by if tag in (own or ())), None)
            for own in self.tags
        ]

    @cached_property
    def sha256(self) -> list[str | None]:
        """Of each file's bytes when it was scanned; None if it was not."""
        digest = self.stored.scan_data.files.digest
        return self._of_content(lambda content: digest[content].tobytes().hex())

    @cached_property
    def pixels(self) -> list[int | None]:
        """The group of files whose pixels are equal; None if it was not scanned."""
        group = self.stored.scan_data.images.pixel_group
        return self._of_content(lambda content: int(group[content]))

    def _of_content(self, value: Callable[[int], Value]) -> list[Value | None]:
        found: list[Value | None] = [None] * len(self.ids)
        contents = self.stored.scan_data.samples.unique_file.tolist()
        for sample, content in zip(self.stored.ids, contents, strict=True):
            if content >= 0 and sample in self.row_of:
                found[self.row_of[sample]] = value(content)
        return found

    def not_compared(self, row: int, kept_copy: int) -> str | None:
        """Says why a copy may hold what the kept one does not; None if it cannot."""
        files = self.stored.scan_data.files
        group = self.stored.scan_data.images.pixel_group
        own, other = self._contents.get(row, -1), self._contents.get(kept_copy, -1)
        if own < 0 or other < 0 or files.picture_count[own] == 1:
            return None
        if group[own] == group[other]:
            return None
        return (
            f"only the first of its {files.picture_count[own]:,} pictures was "
            "compared: look at it, and tag it if it may go (what='tag')"
        )

    @cached_property
    def _contents(self) -> dict[int, int]:
        """The content of each row that was scanned."""
        contents = self.stored.scan_data.samples.unique_file.tolist()
        scanned = zip(self.stored.ids, contents, strict=True)
        return {self.row_of[one]: own for one, own in scanned if one in self.row_of}

    def finding(self, name: str) -> list[Any]:
        """Returns a finding of the last finished scan.

        Raises:
            ScanNotFoundError: it was not scanned yet
            StaleRunError: its scan was cut short, or is out of date
        """
        complete_run(self.dataset, self.prefix)
        values = self._view.values(field_name(name, self.prefix))
        return [one if row in self.here else None for row, one in enumerate(values)]


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


_PLAIN = (
    "it looks equal to its copy, but both are too plain to tell (pages may differ in "
    "text): look at them, and tag it if it may go (what='tag')"
)
_AWAY = "its file is in quarantine, or gone"


Select = Callable[[SampleIndex, Selection, "set[int] | None"], Iterator[Choice]]


def _duplicates(
    index: SampleIndex, selection: Selection, inside: set[int] | None
) -> Iterator[Choice]:
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
            why = f"{_KIND_WORDS[how]} {short_path(index.paths[kept_copy])}"
            if how == "near" and relation_of[row]:
                why += f" ({relation_of[row]})"
            unsure = index.not_compared(row, kept_copy) if how == "near" else None
            if how == "near" and relation_of[row] == TOO_PLAIN:
                unsure = _PLAIN
            yield Choice(row, why, kept_copy, refusal or unsure)


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


def _leaks(
    index: SampleIndex, selection: Selection, _: set[int] | None
) -> Iterator[Choice]:
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
    sure, every = pairs.images[accepted & ~pairs.too_plain], pairs.images[accepted]
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
                refusal = _PLAIN if unsure[row] else refusal
                if damaged[copy] and not damaged[row]:
                    refusal = "its copy that would stay is damaged inside"
                yield Choice(victim, why, kept_copy, refusal)


def _proven(
    index: SampleIndex, selection: Selection, inside: set[int] | None
) -> Iterator[Choice]:
    exact = replace(selection, kinds=("bytes", "pixels"))
    staying: set[int] = set()
    chosen: set[int] = set()
    for one in (
        *_duplicates(index, exact, inside),
        *_unreadable(index, selection, inside),
        *(leak for leak in _leaks(index, selection, inside) if _equal(index, leak)),
    ):
        # Of two findings the first says why; what one relies on does not go
        if one.row in chosen or one.row in staying:
            continue
        chosen.add(one.row)
        if one.kept_copy is not None:
            staying.add(one.kept_copy)
        yield one


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
                f"(score {scores[row]:.0f})",
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
            yield Choice(row, f"outlier at distance {distances[row]:.2f}{cause}")


def _image_issues(
    index: SampleIndex, selection: Selection, _: set[int] | None
) -> Iterator[Choice]:
    for row, issues in enumerate(index.finding("image_issues")):
        wanted = [issue for issue in issues or () if issue in selection.issues]
        if wanted:
            yield Choice(row, ", ".join(wanted).replace("_", " "))


def _unreadable(
    index: SampleIndex, selection: Selection, _: set[int] | None
) -> Iterator[Choice]:
    for row, status in enumerate(index.finding("scan_status")):
        if status in UNREADABLE:
            yield Choice(row, status)


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
        copies = {one.row: one for one in _duplicates(index, looked_at, rows)}
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
    for row in going:
        # Frames are no copies: what stays is named, and counts as no copy that stays
        stays = kept_of.get(burst_of[row])
        if stays is None:
            yield Choice(row, "of a burst", None, "no image of its burst is left")
        else:
            name = short_path(index.paths[stays])
            yield Choice(row, f"shows no more than {name}")


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
    PROVEN: _proven,
    "duplicates": _duplicates,
    "leaks": _leaks,
    "label_issues": _label_issues,
    "outliers": _outliers,
    "image_issues": _image_issues,
    "unreadable": _unreadable,
    "not_read": _not_read,
    "may_go": _may_go,
    "relabel": _relabel,
    "bursts": _bursts,
    "tag": _tag,
    "view": _view,
    "selected": _view,
}


def _check_among(name: str, given: Sequence[str], known: Sequence[str]) -> None:
    unknown = [one for one in given if one not in known]
    if unknown or isinstance(given, str):
        raise InputError(f"{name}={given!r} must be a list of: {', '.join(known)}.")


def _check_two(name: str, given: Sequence[str] | None, what: str) -> None:
    if given is not None and (isinstance(given, str) or len(given) != 2):
        raise InputError(f"{name}={given!r} must be a list of two: {what}.")
