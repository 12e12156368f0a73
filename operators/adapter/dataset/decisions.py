"""What a person decided, kept on the samples themselves.

Two fields hold it, so that it can be seen, filtered and mended with FiftyOne
alone, goes with a sample that is moved or relabeled, and leaves with one that
is deleted. They belong to the data set, not to a run: every scan, whatever its
prefix, reads them and none writes them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import fiftyone as fo
import numpy as np
from fiftyone import ViewField as F

from ....core.findings.decisions import Decisions
from ....core.scan.scan_data import ScanData
from .internals import sample_documents
from .labels import label_field_of
from .present import present

DECISIONS = "winnow_decisions"
DISTINCT = "winnow_not_duplicate_of"
KEEP = "keep"
"""The image is never flagged."""
KEEPER = "keeper"
"""Of its cluster this copy stays, and the others go."""
LABEL_VERIFIED = "label_verified"
NOT_DUPLICATE = "not_duplicate"
MAY_GO = "may_go"
"""The image may be put into quarantine."""
RELABEL = "relabel"
"""The image should get another label."""
LABEL_WORDS = "label "
"""How the decisions on a label begin, as they are stored."""
LABEL_IS, LABEL_TO = f"{LABEL_WORDS}is ", f"{LABEL_WORDS}to "
_IN_WORDS = {
    KEEP: "kept",
    KEEPER: "chosen as the one to keep",
    MAY_GO: "may go",
}
OWN_FIELDS = {
    DECISIONS: "Decisions of a person; scans respect them",
    DISTINCT: "Ids of samples that a person decided are not duplicates of it",
}


def read_decisions(
    dataset: fo.Dataset, ids: Sequence[str], scan_data: ScanData
) -> Decisions:
    """Returns what was decided of the rows of a scan.

    Decisions on samples that are gone are passed over. A verified label counts
    as long as the sample carries it.

    Args:
        dataset: that holds the samples
        ids: the sample of each row
        scan_data: whose labels are judged
    """
    row_of = {sample_id: row for row, sample_id in enumerate(ids)}
    keep = np.zeros(len(ids), bool)
    keeper = np.zeros(len(ids), bool)
    verified = np.zeros(len(ids), bool)
    for sample_id, words in stored_words(dataset, DECISIONS):
        row = row_of.get(sample_id)
        if row is None:
            continue
        keep[row], keeper[row] = KEEP in words, KEEPER in words
        code = scan_data.samples.labels[row]
        label = scan_data.samples.classes[code] if code >= 0 else None
        # One that was corrected as decided is right, too
        verified[row] = label is not None and (
            LABEL_IS + label in words or LABEL_TO + label in words
        )
    distinct = [
        (row_of[one], row_of[other])
        for one, others in stored_words(dataset, DISTINCT)
        for other in others
        if one in row_of and other in row_of
    ]
    pairs = np.array(distinct, np.int64).reshape(-1, 2)
    return Decisions(keep, keeper, verified, pairs)


def decided_ids(dataset: fo.Dataset, word: str) -> set[str]:
    """Returns the samples that a person decided :data:`KEEP`, :data:`KEEPER` or
    :data:`MAY_GO` of."""
    return {one for one, words in stored_words(dataset, DECISIONS) if word in words}


def decided_labels(dataset: fo.Dataset) -> dict[str, str]:
    """Returns the label that a person decided a sample should get, by its id."""
    return {
        one: word.removeprefix(LABEL_TO)
        for one, words in stored_words(dataset, DECISIONS)
        for word in words
        if word.startswith(LABEL_TO)
    }


def waiting(dataset: fo.Dataset, label_field: str | None) -> dict[str, int]:
    """Counts the decisions that a plan would carry out: labels, and what may go."""
    here = present(dataset)
    going = here.select(list(decided_ids(dataset, MAY_GO))).count()
    labels, wrong = decided_labels(dataset), 0
    if labels and label_field is not None:
        view = here.select(list(labels))
        now = label_field_of(view, label_field).texts(view)
        wrong = sum(
            labels[one] != label
            for one, label in zip(view.values("id"), now, strict=True)
        )
    return {RELABEL: wrong, MAY_GO: going}


def decided(dataset: fo.Dataset) -> dict[str, int]:
    """Counts the images of each decision, by its name."""
    names = (KEEPER, KEEP, LABEL_VERIFIED, NOT_DUPLICATE, RELABEL, MAY_GO)
    counts = dict.fromkeys(names, 0)
    here = present(dataset)
    if dataset.has_sample_field(DECISIONS):
        for word, count in here.count_values(DECISIONS).items():
            if word is not None:
                counts[decision_of(word)] += count
    if dataset.has_sample_field(DISTINCT):
        counts[NOT_DUPLICATE] = here.exists(DISTINCT).count()
    return counts


def decisions_of(
    dataset: fo.Dataset, skip: int, limit: int
) -> list[tuple[str, dict[str, str]]]:
    """Returns samples that something was decided of.

    Returns:
        id, and each decision: its name -> in words what it says
    """
    view = decided_view(dataset).skip(skip).limit(limit)
    known = [name for name in OWN_FIELDS if dataset.has_sample_field(name)]
    if not known:
        return []
    values = dict(zip(known, view.values(known), strict=True))
    ids = view.values("id")
    nothing = [None] * len(ids)
    found = []
    for sample_id, words, others in zip(
        ids, values.get(DECISIONS, nothing), values.get(DISTINCT, nothing), strict=True
    ):
        decisions = {}
        for word in words or ():
            decisions[decision_of(word)] = _IN_WORDS.get(word, word)
        if others:
            decisions[NOT_DUPLICATE] = f"no copy of {len(others):,}"
        found.append((sample_id, decisions))
    return found


def decided_view(dataset: fo.Dataset) -> fo.DatasetView:
    """Returns the samples that something was decided of."""
    names = [name for name in OWN_FIELDS if dataset.has_sample_field(name)]
    if not names:
        return dataset.limit(0)
    some = F(names[0]).exists()
    for name in names[1:]:
        some = some | F(name).exists()
    return present(dataset).match(some)


def decision_of(word: str) -> str:
    """Returns the name of the decision that a stored word stands for."""
    if word.startswith(LABEL_TO):
        return RELABEL
    return LABEL_VERIFIED if word.startswith(LABEL_IS) else word


def stored_words(dataset: fo.Dataset, name: str) -> Iterator[tuple[str, list[str]]]:
    if not dataset.has_sample_field(name):
        return
    for row in sample_documents(dataset).find({name: {"$ne": None}}, [name]):
        yield str(row["_id"]), row[name]
