"""Chooses images of a scanned data set that stand for the rest, and says which."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Any

import fiftyone as fo
import fiftyone.core.fields as fof
import numpy as np
from fiftyone import ViewField as F
from numpy.typing import NDArray

from ....core.common.result import TableResult
from ....core.curation.select import representative_order
from ....core.errors import InputError
from ..dataset.fields import check_new_field, field_name
from ..dataset.internals import dataset_of
from ..dataset.labels import holds_labels, label_field_of
from ..dataset.samples import flat_view, read_samples
from ..runs.stored_run import StoredRun, load_run
from ..views.finding_views import clean_samples

DEFAULT_TAG = "selected"
SPLITS = "splits"
"""As a field to balance: the splits of the scan."""

_LEFT_OUT = ("redundant_copies", "image_issues", "unreadable", "not_read")
_MADE_BY = "@winnow/curate/select"


@dataclass(frozen=True)
class SelectChoice:
    """What a person asks of a selection.

    Attributes:
        n: images to select
        given: images that are there already, such as those with labels: a view, a list
            of ids, or the name of a tag; what resembles them is selected last
        balance (None): a field of labels, texts, whole numbers or booleans, of whose
            values equally many images are selected, given ones included; ``"splits"``
            for the splits of the scan
        tag ("selected"): the tag that the selected images get; it must not be in use.
            None for none
        field (None): a new field for the place of each selected image, from 1; the
            first 100 of 1,000 are a selection of 100
        prefix (None): prefix of the scan's fields
    """

    n: int
    _: KW_ONLY
    given: Sequence[str] | fo.DatasetView | str = ()
    balance: str | None = None
    tag: str | None = DEFAULT_TAG
    field: str | None = None
    prefix: str | None = None

    def __post_init__(self) -> None:
        if isinstance(self.n, bool) or not isinstance(self.n, int) or self.n < 1:
            raise InputError(
                f"n must be a whole number of at least 1, got {self.n!r}: it is how "
                "many images are selected."
            )


@dataclass(frozen=True, eq=False)
class Selected(TableResult):
    """The images that were selected.

    Attributes:
        dataset: name of the data set
        ids: of their samples, in the order in which they were selected
        asked: images that were asked for
        of: images that could be selected
        given: images that were there already
        by_value: value of the balanced field -> images selected; empty without one
        left_out: why -> images that could not be selected
        written: where they stand now: a tag, a field; None if nowhere
    """

    dataset: str
    ids: tuple[str, ...]
    asked: int
    of: int
    given: int
    by_value: Mapping[str, int]
    left_out: Mapping[str, int]
    written: str | None

    @property
    def view(self) -> fo.DatasetView:
        """The selected samples, in their order."""
        return fo.load_dataset(self.dataset).select(list(self.ids), ordered=True)

    def summary(self) -> str:
        """Returns the outcome in a sentence."""
        where = f", written to {self.written}" if self.written else ""
        return f"{len(self.ids):,} of {self.of:,} images selected{where}."

    def details(self) -> Iterator[str]:
        """Yields what else there is to know, a line each."""
        if len(self.ids) < self.asked:
            yield f"There are no more that could be selected of the {self.asked:,}"
        if self.given:
            yield f"Far from {self.given:,} images that were given"
        if self.by_value:
            yield "By value: " + ", ".join(
                f"{name} {count:,}" for name, count in self.by_value.items()
            )
        for why, count in self.left_out.items():
            yield f"Left out: {count:,} image{'' if count == 1 else 's'}, {why}"

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yields the selected images in their order."""
        for place, sample in enumerate(self.ids, 1):
            yield {"place": place, "id": sample}


def select_images(
    samples: fo.core.collections.SampleCollection, choice: SelectChoice
) -> Selected:
    """Selects images, and writes the tag and the field that are asked for.

    Args:
        samples: a data set that was scanned, or a view; only its images are selected
        choice: what is asked for

    Raises:
        InputError: a choice that cannot work; nothing was written
        ScanNotFoundError: it was not scanned yet
        StaleRunError: its scan was cut short, or is out of date
    """
    view = flat_view(samples, at_least=1)
    dataset = dataset_of(view)
    run = load_run(dataset, choice.prefix)
    _check_targets(dataset, choice)
    ids = view.values("id")
    images = _images_of(run, ids)
    given = _given(dataset, choice.given, choice.prefix)
    clean = clean_samples(view, without=_LEFT_OUT, prefix=choice.prefix)
    is_clean = set(clean.view.values("id"))
    protected = run.scan_data.samples.evaluated

    def why_not(sample: str, row: int) -> str | None:
        if sample not in is_clean:
            return "a copy of another, damaged, blank or unreadable"
        if row < 0:
            return "added since the scan"
        if protected[row]:
            return "in a test or validation split"
        return "given, or a copy of one that is" if sample in given else None

    left_out = Counter[str]()
    sample_of: dict[int, str] = {}
    rows = run.rows_of(ids).tolist()
    for sample, row, image in zip(ids, rows, images.tolist(), strict=True):
        if why := why_not(sample, row):
            left_out[why] += 1
        elif image >= 0:
            sample_of.setdefault(image, sample)
    names, stratum = _strata(view, run, choice.balance, images)
    count = len(run.scan_data.images.first_file)
    may_be_chosen, is_given = np.zeros(count, bool), np.zeros(count, bool)
    may_be_chosen[list(sample_of)] = True
    given_images = _images_of(run, list(given))
    is_given[given_images[given_images >= 0]] = True
    chosen = representative_order(
        run.scan_data.graphs.by_features(),
        choice.n,
        may_be_chosen=may_be_chosen,
        counts=may_be_chosen,
        given=is_given,
        stratum=stratum,
    ).tolist()
    selected = tuple(sample_of[image] for image in chosen)
    codes = [] if stratum is None else stratum[chosen].tolist()
    return Selected(
        dataset=dataset.name,
        ids=selected,
        asked=choice.n,
        of=len(sample_of),
        given=len(given),
        by_value={
            name: codes.count(code) for code, name in names.items() if code in codes
        },
        left_out=dict(left_out.most_common()),
        written=_write(dataset, selected, choice),
    )


def balance_candidates(samples: fo.core.collections.SampleCollection) -> list[str]:
    """Returns the names of the fields whose values can be balanced."""
    schema = samples.get_field_schema(flat=False)
    return [
        name
        for name, field in schema.items()
        if name not in ("id", "filepath") and _is_balanced(field)
    ]


def _is_balanced(field: fof.Field) -> bool:
    return holds_labels(field) and not (field.info or {}).get("created_by")


def _check_targets(dataset: fo.Dataset, choice: SelectChoice) -> None:
    """Raises :class:`InputError` if something would be overwritten."""
    if choice.tag is not None and choice.tag in dataset.distinct("tags"):
        raise InputError(
            f"The tag '{choice.tag}' is in use already, and a selection never changes "
            "tags that are there. Give another tag, tag=None, or take the tag off "
            "first."
        )
    if choice.field is not None:
        check_new_field(dataset, choice.field, _MADE_BY, "selection")


def _images_of(run: StoredRun, ids: Sequence[str]) -> NDArray[np.int64]:
    """Returns the unique image of each sample; -1 if it was not read."""
    of_samples = np.append(run.scan_data.sample_images, np.int32(-1))
    return of_samples[run.rows_of(ids)].astype(np.int64)


def _given(
    dataset: fo.Dataset, given: Sequence[str] | fo.DatasetView | str, prefix: str | None
) -> set[str]:
    """Returns the ids of the given samples, and of their copies."""
    if isinstance(given, str):
        if given not in dataset.distinct("tags"):
            raise InputError(
                f"No sample is tagged '{given}'. given= takes a view, a list of ids or "
                "the name of a tag."
            )
        given = dataset.match_tags(given)
    ids = set(given.values("id") if isinstance(given, fo.DatasetView) else given)
    cluster = field_name("dup_cluster", prefix)
    clusters = set(dataset.select(list(ids)).distinct(cluster)) if ids else set()
    if clusters:
        copies = dataset.match(F(cluster).is_in(sorted(clusters)))
        ids |= set(copies.values("id"))
    return ids


def _strata(
    view: fo.DatasetView,
    run: StoredRun,
    balance: str | None,
    images: NDArray[np.int64],
) -> tuple[dict[int, str], NDArray[np.int32] | None]:
    """Returns the values by their codes, and int32[i], that of each unique image."""
    if balance is None:
        return {}, None
    if balance == SPLITS:
        split_by = run.record.split_by
        if split_by is None:
            raise InputError(
                "The last scan knew of no splits, so none can be balanced."
            )
        table = read_samples(view, split_by=split_by)
        values = [
            None if code < 0 else table.split_names[code]
            for code in (table.splits if table.splits is not None else [])
        ]
    else:
        known = balance_candidates(view)
        if balance not in known:
            raise InputError(
                f"'{balance}' is no field of labels, texts, whole numbers or booleans. "
                f"Fields here: {', '.join(known) or 'none'}."
            )
        values = label_field_of(view, balance).texts(view)
    names = sorted({str(value) for value in values if value is not None})
    code_of = {name: code for code, name in enumerate(names)}
    stratum = np.full(len(run.scan_data.images.first_file), -1, np.int32)
    for image, value in zip(images.tolist(), values, strict=True):
        if image >= 0 and value is not None:
            stratum[image] = code_of[str(value)]
    return {-1: "without", **dict(enumerate(names))}, stratum


def _write(
    dataset: fo.Dataset, selected: Sequence[str], choice: SelectChoice
) -> str | None:
    written = []
    if choice.tag is not None and selected:
        dataset.select(list(selected)).tag_samples(choice.tag)
        written.append(f"the tag '{choice.tag}'")
    if choice.field is not None:
        dataset.add_sample_field(
            choice.field,
            fo.IntField,
            description="Place of the image in a selection, from 1",
            info={"made_by": _MADE_BY},
        )
        place = {sample: number for number, sample in enumerate(selected, 1)}
        values = {sample: place.get(sample) for sample in dataset.values("id")}
        dataset.set_values(choice.field, values, key_field="id")
        written.append(f"the field '{choice.field}'")
    return " and ".join(written) or None
