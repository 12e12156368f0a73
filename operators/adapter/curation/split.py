"""Proposes splits of a scanned data set, says what they cost, writes them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Any

import fiftyone as fo
import numpy as np
from numpy.typing import NDArray

from ....core.common.result import TableResult
from ....core.common.text import share_text
from ....core.curation.split import (
    NO_GROUP,
    NO_LABEL,
    NO_SPLIT,
    check_shares,
    class_counts,
    leaking,
    new_split,
    smallest_change,
    units,
)
from ....core.errors import InputError
from ....core.scan.apply_thresholds import accepted_pairs
from ..dataset.decisions import read_decisions
from ..dataset.fields import check_new_field
from ..dataset.internals import dataset_of
from ..dataset.samples import flat_view, read_groups, read_samples
from ..runs.reapply import settings_of
from ..runs.stored_run import load_run

MADE_BY = "@winnow/curate/split"
DEFAULT_FIELD = "winnow_split"
DEFAULT_SHARES = {"train": 0.8, "valid": 0.1, "test": 0.1}
_CLASSES_SHOWN = 8
_TAGGED_AT_ONCE = 50_000


@dataclass(frozen=True)
class SplitChoice:
    """What a person asks of a split.

    Attributes:
        shares (None): share of each split, such as ``{"train": 0.8, "valid": 0.1,
            "test": 0.1}``, for a new split; None for the current one with as few
            images moved as possible
        fixed: current splits that must not change, such as ``["test"]``; copies of
            their images in other splits get no split
        group_field (None): a field, such as the video or the patient, whose equal
            values stay together; ``winnow_sequence`` for the recordings that the scan
            found, ``scene_group`` for scenes, which hold them
        label_field (None): the field with the classes to balance; None for the
            scan's
        split_by (None): the current splits, as for ``scan``; None for the scan's
        seed (0): seed of a new split
        prefix (None): prefix of the scan's fields
    """

    shares: Mapping[str, float] | None = None
    _: KW_ONLY
    fixed: Sequence[str] = ()
    group_field: str | None = None
    label_field: str | None = None
    split_by: str | Sequence[str] | None = None
    seed: int = 0
    prefix: str | None = None

    def __post_init__(self) -> None:
        if self.fixed and self.shares is not None:
            raise InputError(
                "A new split changes all splits: give either shares or fixed."
            )


@dataclass(frozen=True, eq=False)
class SplitReport(TableResult):
    """A split that is proposed, or was written.

    Attributes:
        dataset: name of the data set
        split_of: sample id -> split, of the images that are in one
        sizes: split -> images
        wanted: split -> images that were aimed for
        by_class: class -> split -> images; the class "" is without a label
        class_wanted: likewise, aimed for; not whole numbers
        leaking: images before the change with a copy, or one of their group,
            in another split; 0 for a new split
        moved: (from, to) -> images that change their split
        left_out: images taken out of their split, since what they must stay
            with is in a fixed one
        unresolved: images that leak on: what they must stay with is in another
            fixed split
        without: why -> images that are in no split
        bound: images that must stay with at least one other
        largest: images in the largest group of such
        written: the field, or the tags, that hold it now; None for a proposal
    """

    dataset: str
    split_of: Mapping[str, str]
    sizes: Mapping[str, int]
    wanted: Mapping[str, float]
    by_class: Mapping[str, Mapping[str, int]]
    class_wanted: Mapping[str, Mapping[str, float]]
    leaking: int
    moved: Mapping[tuple[str, str], int]
    left_out: int
    unresolved: int
    without: Mapping[str, int]
    bound: int
    largest: int
    written: str | None = None

    @property
    def class_deviation(self) -> dict[str, float]:
        """Class -> images that one split has too many or too few, at most."""
        far = {}
        for name, counts in self.by_class.items():
            aim = self.class_wanted[name]
            far[name] = max(abs(counts[split] - aim[split]) for split in counts)
        return far

    def summary(self) -> str:
        """Returns the split in a sentence."""
        sizes = ", ".join(f"{name} {count:,}" for name, count in self.sizes.items())
        verb = f"written to {self.written}" if self.written else "proposed"
        return f"Split {verb}: {sizes}."

    def details(self) -> Iterator[str]:
        """Yields what it cost, a line each."""
        total = sum(self.sizes.values())
        shares = ", ".join(
            f"{name} {share_text(count, max(1, total))} "
            f"(aim {share_text(self.wanted[name], total)})"
            for name, count in self.sizes.items()
            if total
        )
        yield f"Shares: {shares}"
        if self.bound:
            yield (
                f"{self.bound:,} images must stay with their copies or their group; "
                f"the largest such set holds {self.largest:,}"
            )
        if self.largest > min(self.wanted.values(), default=0):
            yield (
                "That set is larger than a whole split should be, so the shares "
                "cannot be met: choose a finer group field, or none"
            )
        if self.leaking:
            yield (
                f"Before: {self.leaking:,} images had a copy, or one of their group, "
                "in another split"
            )
        moves = sum(self.moved.values())
        if moves:
            moves_text = ", ".join(
                f"{a} to {b} {n:,}" for (a, b), n in self.moved.items()
            )
            yield f"Moved: {moves:,} images ({moves_text})"
        if self.left_out:
            yield (
                f"Excluded from all splits: {self.left_out:,} images, since their copy "
                "or group is in a split that must not change"
            )
        if self.unresolved:
            yield (
                f"Not solved: {self.unresolved:,} images are copies, or one group, in "
                "two splits that must not change"
            )
        for why, count in self.without.items():
            yield f"In no split: {count:,} images, {why}"
        off = sorted(self.class_deviation.items(), key=lambda one: (-one[1], one[0]))
        if self.by_class.keys() - {""}:
            worst = ", ".join(
                f"{name or 'no label'} {far:.1f}" for name, far in off[:_CLASSES_SHOWN]
            )
            mean = sum(far for _, far in off) / len(off)
            yield (
                "Classes: images too many or too few in a split, at most: mean "
                f"{mean:.1f}; {worst}"
            )

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yields the split of each image, by the id of its sample."""
        for sample, split in self.split_of.items():
            yield {"id": sample, "split": split}

    def to_dict(self) -> dict[str, Any]:
        """Returns all but the single images as plain JSON values."""
        return {
            name: value
            for name, value in super().to_dict().items()
            if name != "split_of"
        }

    def __str__(self) -> str:
        lines = [self.summary(), *(f"  {line}" for line in self.details())]
        if not self.written:
            lines.append("Nothing has been changed. To write it: dry_run=False")
        return "\n".join(lines)


def propose_split(
    samples: fo.core.collections.SampleCollection, choice: SplitChoice
) -> SplitReport:
    """Proposes a split of the images; nothing is written.

    Args:
        samples: a data set that was scanned, or a view; other images are in no
            split and do not count
        choice: what is asked for

    Raises:
        InputError: a choice that cannot work
        ScanNotFoundError: it was not scanned yet
        StaleRunError: its scan was cut short, or is out of date
    """
    shares = None if choice.shares is None else check_shares(choice.shares)
    view = flat_view(samples)
    run = load_run(dataset_of(view), choice.prefix)
    known = run.record.settings
    label_field = choice.label_field or known["label_field"]
    split_by = choice.split_by or known["split_by"]
    if shares is None and split_by is None:
        raise InputError(
            "There is no present split to change: the last scan knew of none. Give "
            "shares for a new one, or split_by."
        )
    table = read_samples(
        view, label_field=label_field, split_by=None if shares else split_by
    )
    rows = run.rows_of(table.ids)
    image = np.where(rows >= 0, run.scan_data.sample_images[rows], -1).astype(np.int32)
    decided = read_decisions(dataset_of(view), run.ids, run.scan_data)
    accepted = accepted_pairs(run.scan_data, settings_of(run.record), decided)
    pairs = run.scan_data.pairs.images[accepted]
    pairs = pairs[np.isin(pairs, image).all(axis=1)]
    unit = units(image, pairs, _groups(view, choice.group_field))
    label = table.labels
    if label is None:
        label = np.full(len(unit), NO_LABEL, np.int32)
    order = sorted(range(len(unit)), key=lambda row: (table.paths[row], table.ids[row]))
    rank = np.empty(len(unit), np.int64)
    rank[order] = np.arange(len(unit))

    unread = {
        "added since the scan": int((rows < 0).sum()),
        "unreadable": int(((rows >= 0) & (image < 0)).sum()),
    }
    nobody = np.zeros(len(unit), bool)
    if shares is not None:
        names, good = list(shares), image >= 0
        split = np.full(len(unit), NO_SPLIT, np.int32)
        split[good] = new_split(
            unit[good],
            label[good],
            list(shares.values()),
            rank=rank[good],
            seed=choice.seed,
        )
        present, left_out, unresolved = split, nobody, nobody
        totals = class_counts(split, label, len(names), len(table.classes))
        aim = totals.sum(axis=1, keepdims=True) * np.array(list(shares.values()))
        without = unread
    else:
        assert table.splits is not None
        names, present = table.split_names, table.splits
        change = smallest_change(
            unit,
            label,
            present,
            len(names),
            rank=rank,
            fixed=_codes_of(choice.fixed, names),
        )
        split, left_out, unresolved = change.split, change.left_out, change.unresolved
        aim = class_counts(present, label, len(names), len(table.classes)) * 1.0
        without = {"as before": int((present == NO_SPLIT).sum())}
    in_unit = np.bincount(unit, minlength=1)
    counts = class_counts(split, label, len(names), len(table.classes))
    return SplitReport(
        dataset=dataset_of(view).name,
        split_of={
            table.ids[row]: names[split[row]]
            for row in np.flatnonzero(split != NO_SPLIT).tolist()
        },
        sizes=dict(zip(names, counts.sum(axis=0).tolist(), strict=True)),
        wanted=dict(zip(names, aim.sum(axis=0).tolist(), strict=True)),
        by_class=_by_class(counts, table.classes, names),
        class_wanted=_by_class(aim, table.classes, names),
        leaking=int(leaking(unit, present).sum()),
        moved=_moves(present, split, names),
        left_out=int(left_out.sum()),
        unresolved=int(unresolved.sum()),
        without={why: count for why, count in without.items() if count},
        bound=int((in_unit[unit] > 1).sum()),
        largest=int(in_unit.max()),
    )


def check_target(dataset: fo.Dataset, field: str, tag_prefix: str | None) -> None:
    """Raises :class:`InputError` if the split would overwrite something."""
    if tag_prefix is not None:
        return
    check_new_field(dataset, field, MADE_BY, "split")


def write_split(
    dataset: fo.Dataset, report: SplitReport, field: str, tag_prefix: str | None
) -> str:
    """Writes a proposal; returns where it stands now.

    Raises:
        InputError: the field or a tag is in use
    """
    check_target(dataset, field, tag_prefix)
    if tag_prefix is not None:
        return _write_tags(dataset, report, tag_prefix)
    dataset.add_sample_field(
        field,
        fo.StringField,
        description="Split without leaks",
        info={"made_by": MADE_BY},
    )
    values = {one: report.split_of.get(one) for one in dataset.values("id")}
    dataset.set_values(field, values, key_field="id")
    return f"the field '{field}'"


def _write_tags(dataset: fo.Dataset, report: SplitReport, prefix: str) -> str:
    tags = {name: f"{prefix}{name}" for name in report.sizes}
    used = sorted(set(tags.values()) & set(dataset.distinct("tags")))
    if used:
        raise InputError(
            f"The tag '{used[0]}' is in use already, and a split never changes tags "
            "that are there. Give another tag_prefix, or take the tags off first."
        )
    for name, tag in tags.items():
        ids = [one for one, split in report.split_of.items() if split == name]
        for start in range(0, len(ids), _TAGGED_AT_ONCE):
            dataset.select(ids[start : start + _TAGGED_AT_ONCE]).tag_samples(tag)
    return "the tags " + ", ".join(f"'{tag}'" for tag in tags.values())


def _groups(view: fo.DatasetView, field: str | None) -> NDArray[np.int32]:
    if field is None:
        return np.full(view.count(), NO_GROUP, np.int32)
    values = read_groups(view, field)
    code = {value: number for number, value in enumerate(dict.fromkeys(values))}
    return np.array(
        [NO_GROUP if value is None else code[value] for value in values], np.int32
    )


def _codes_of(fixed: Sequence[str], names: Sequence[str]) -> list[int]:
    unknown = [name for name in fixed if name not in names]
    if unknown:
        raise InputError(
            f"There is no split '{unknown[0]}' to leave as it is. Splits: "
            f"{', '.join(names)}."
        )
    return [names.index(name) for name in fixed]


def _by_class(
    counts: NDArray[Any], classes: Sequence[str], names: Sequence[str]
) -> dict[str, dict[str, Any]]:
    return {
        name: dict(zip(names, row, strict=True))
        for name, row in zip([*classes, ""], counts.tolist(), strict=True)
        if name or any(row)
    }


def _moves(
    before: NDArray[np.int32], after: NDArray[np.int32], names: Sequence[str]
) -> dict[tuple[str, str], int]:
    went = (before != after) & (after != NO_SPLIT)
    pairs, counts = np.unique(
        np.stack([before[went], after[went]], axis=1), axis=0, return_counts=True
    )
    return {
        (names[a], names[b]): count
        for (a, b), count in zip(pairs.tolist(), counts.tolist(), strict=True)
    }
