"""Samples of findings that a person signs off, marked by tags."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import fiftyone as fo
from fiftyone import ViewField as F

from ....core.common.result import Result
from ....core.curation.precision_estimate import Precision, draw, precision
from ....core.errors import InputError
from ....core.findings.registry import FINDINGS
from ..dataset.fields import field_name
from ..dataset.present import present
from ..runs.run_record import complete_run
from ..views.finding_views import found_view

_INFO = "winnow_precision_sample"
_WITH_COPIES = ("duplicates", "redundant_copies", "conflicts", "leaks")
RIGHT, WRONG = "right", "wrong"


@dataclass(frozen=True, eq=False)
class PrecisionEstimate(Result):
    """A sample of a finding, and what a person says of it so far.

    Attributes:
        what: the finding
        drawn: images of the sample that are still in the data set
        right: of them marked as right
        wrong: of them marked as wrong
        precision: of those that are marked, see
            :class:`core.curation.precision_estimate.Precision`
        tag: of the images of the sample
        outdated: the data set was scanned again since the sample was drawn
        view: the sample; with the copies of each, where it is about copies
    """

    what: str
    drawn: int
    right: int
    wrong: int
    precision: Precision
    tag: str
    outdated: bool
    view: fo.DatasetView

    @property
    def unmarked(self) -> int:
        return self.drawn - self.right - self.wrong

    def summary(self) -> str:
        """Returns the result in a sentence."""
        name = FINDINGS[self.what].label.lower()
        found = self.precision
        if not found.judged:
            return (
                f"{self.drawn:,} of {found.population:,} {name} drawn, tagged "
                f"'{self.tag}'; none is marked as right or wrong yet."
            )
        return (
            f"{name.capitalize()}: {found.right:,} of {found.judged:,} are right, "
            f"{found.share:.1%}; with 95 % confidence {found.low:.1%} to "
            f"{found.high:.1%} of all {found.population:,}."
        )

    def details(self) -> list[str]:
        """Returns what limits the result, a line each."""
        lines = []
        if self.unmarked and self.what in _WITH_COPIES:
            lines.append(
                f"Shown among their copies: those to judge carry the tag '{self.tag}'"
            )
        if self.precision.judged and self.unmarked:
            lines.append(
                f"{self.unmarked:,} of the sample are not marked. The interval holds "
                "only if the marked ones were not chosen by their content"
            )
        if self.outdated:
            lines.append(
                "The findings are newer than this sample: draw again (new=True)"
            )
        return lines

    def to_dict(self) -> dict[str, Any]:
        """Returns all but the view as plain JSON values."""
        values = {**super().to_dict(), "unmarked": self.unmarked}
        return {name: value for name, value in values.items() if name != "view"}


def tag_of(what: str, mark: str | None = None) -> str:
    """Returns the tag of a finding's sample, or of a mark in it."""
    name = f"precision {what.replace('_', ' ')}"
    return f"{name}: {mark}" if mark else name


def has_sample(dataset: fo.Dataset, what: str) -> bool:
    """True if a sample of the finding was drawn before."""
    dataset.reload()
    return what in dataset.info.get(_INFO, {})


def draw_sample(
    dataset: fo.Dataset, what: str, count: int, seed: int, prefix: str | None
) -> None:
    """Draws a sample and tags it; marks of an earlier one are taken off.

    Raises:
        InputError: there is nothing to draw from
        ScanNotFoundError: it was not scanned yet
        StaleRunError: its scan was cut short, or is out of date
    """
    # Of each cluster the copy to keep is no claim; the others are
    claims = "redundant_copies" if what == "duplicates" else what
    ids = sorted(found_view(dataset, claims, prefix).values("id"))
    if not ids:
        raise InputError(f"There are no {FINDINGS[what].label.lower()} to look at.")
    if count < 1:
        raise InputError(f"n must be at least 1, got {count}.")
    for tag in (tag_of(what), tag_of(what, RIGHT), tag_of(what, WRONG)):
        dataset.match_tags(tag).untag_samples(tag)
    chosen = [ids[row] for row in draw(len(ids), count, seed).tolist()]
    dataset.select(chosen).tag_samples(tag_of(what))
    known = dict(dataset.info.get(_INFO, {}))
    known[what] = {
        "population": len(ids),
        "drawn": len(chosen),
        "seed": seed,
        "prefix": prefix,
        "completed_at": complete_run(dataset, prefix).completed_at,
    }
    dataset.info[_INFO] = known
    dataset.save()


def mark(
    dataset: fo.Dataset, what: str, samples: Sequence[str] | None, as_: str
) -> None:
    """Marks images of the sample as right or wrong.

    Args:
        dataset: that holds them
        what: the finding
        samples: ids; None for all that are not marked yet
        as_: ``right`` or ``wrong``

    Raises:
        InputError: one is not of the sample
    """
    sample = present(dataset.match_tags(tag_of(what)))
    marks = [tag_of(what, RIGHT), tag_of(what, WRONG)]
    if samples is None:
        sample.match_tags(marks, bool=False).tag_samples(tag_of(what, as_))
        return
    wanted = list(samples)
    chosen = sample.select(wanted)
    missing = len(set(wanted)) - chosen.count()
    if missing:
        raise InputError(
            f"{missing:,} of these images are not in the sample, which is tagged "
            f"'{tag_of(what)}'. Only a random sample is representative."
        )
    chosen.untag_samples(marks)
    chosen.tag_samples(tag_of(what, as_))


def result(dataset: fo.Dataset, what: str) -> PrecisionEstimate:
    """Returns the sample and what its marks say."""
    drawn: Any = dataset.info[_INFO][what]
    sample = present(dataset.match_tags(tag_of(what)))
    is_right, is_wrong = (F("tags").contains(tag_of(what, m)) for m in (RIGHT, WRONG))
    right = sample.match(is_right & ~is_wrong).count()
    wrong = sample.match(is_wrong & ~is_right).count()
    prefix = drawn["prefix"]
    return PrecisionEstimate(
        what,
        sample.count(),
        right,
        wrong,
        precision(right, right + wrong, drawn["population"]),
        tag_of(what),
        complete_run(dataset, prefix).completed_at != drawn["completed_at"],
        _with_copies(dataset, sample, tag_of(what), prefix)
        if what in _WITH_COPIES
        else sample,
    )


def _with_copies(
    dataset: fo.Dataset, sample: fo.DatasetView, tag: str, prefix: str | None
) -> fo.DatasetView:
    """Returns the sample among its clusters, side by side."""
    cluster = field_name("dup_cluster", prefix)
    numbers = [number for number in sample.distinct(cluster) if number is not None]
    own = F("tags").contains(tag)
    return present(dataset).match(own | F(cluster).is_in(numbers)).sort_by(cluster)
