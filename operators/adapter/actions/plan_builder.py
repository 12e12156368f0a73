"""From what somebody wants to act on, to a plan of what would happen."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Any

import fiftyone as fo

from ....core.actions.filesystem import check_system
from ....core.actions.limits import Totals
from ....core.actions.plan import ActionPlan
from ....core.actions.planner import Request, Rules, Where, make_plan
from ....core.errors import InputError, StaleRunError
from ....core.progress import OnProgress, silent
from ..dataset.decisions import KEEP, KEEPER, decided_ids
from ..dataset.internals import dataset_id, dataset_of, sample_documents_name
from ..dataset.labels import label_field_of
from ..runs.paths import plans_folder
from .action_options import MOVE, QUARANTINE, RETAG, ActionOptions, Change
from .choices import choose
from .plan_folders import move_folder, target_alias, where_of
from .references import Reference, paths_in_media_fields, references_elsewhere
from .sample_index import SampleIndex
from .sample_updates import to_json
from .selection import Choice, Selection


def plan_action(
    samples: fo.core.collections.SampleCollection,
    change: Change,
    selection: Selection,
    options: ActionOptions,
    on_progress: OnProgress = silent,
) -> ActionPlan:
    """Makes the plan of an action; nothing but the plan is written.

    Args:
        samples: a data set; or a view, to limit the selection to it
        change: what becomes of the files
        selection: which
        options: how

    Raises:
        InputError: a choice that cannot work
        ActionError: a folder that cannot be used
        ScanNotFoundError: it was not scanned yet
        StaleRunError: its scan was cut short, or is out of date
    """
    check_system()
    dataset = dataset_of(samples)
    among = None
    if isinstance(samples, fo.DatasetView):
        among = samples.values("id")
    index = SampleIndex(dataset, selection.prefix)
    choices = choose(index, selection, among)
    where = where_of(index, change, options)
    requests = _Requests(index, change, options, where).of(choices)
    return make_plan(
        change.action,
        requests,
        where=where,
        totals=totals_of(index),
        rules=Rules(options.allow_hardlinks, may_empty=change.action == RETAG),
        folder=plans_folder(dataset),
        options={
            "dataset": dataset_id(dataset),
            "collection": sample_documents_name(dataset),
            "scanned_at": index.run and index.run.completed_at,
            "prefix": selection.prefix,
            "what": selection.what,
            "remove_samples": change.remove_samples,
            "target_alias": target_alias(change, where),
        },
        on_progress=on_progress,
    )


class _Requests:
    """Turns chosen samples into requests for files."""

    def __init__(
        self, index: SampleIndex, change: Change, options: ActionOptions, where: Where
    ) -> None:
        self._index = index
        self._change = change
        self._options = options
        self._where = where
        self._rows_of: dict[str, list[int]] = {}
        for row, path in enumerate(index.paths):
            self._rows_of.setdefault(path, []).append(row)
        self._chosen: set[int] = set()
        self._decided: dict[int, str] = {}
        self._kept = decided_ids(index.dataset, KEEP)
        self._keepers = decided_ids(index.dataset, KEEPER)
        self._protected = [
            os.path.abspath(os.path.expanduser(path)).rstrip("/") + "/"
            for path in options.protect_paths
        ]

    def of(self, choices: Sequence[Choice]) -> list[Request]:
        """Returns a request a file: labels worst first, files by path."""
        if self._change.action == RETAG:
            self._check_label()
        self._chosen = {choice.row for choice in choices}
        self._decided = {one.row: one.label for one in choices if one.label}
        chosen: dict[str, list[Choice]] = {}
        for choice in choices:
            chosen.setdefault(self._index.paths[choice.row], []).append(choice)
        moves = self._change.action != RETAG or self._change.on_disk
        used: dict[str, list[Reference]] = {}
        media: set[str] = set()
        if chosen and moves:
            used = references_elsewhere(self._index.dataset, list(chosen))
            media = paths_in_media_fields(self._index.dataset)
        return [
            self._request(path, group, used.get(path, []), path in media)
            for path, group in self._in_order(chosen)
        ]

    def _in_order(
        self, chosen: dict[str, list[Choice]]
    ) -> Iterable[tuple[str, list[Choice]]]:
        # Who looks at labels wants the worst first. Files go by folder: a batch
        # then waits for few folders to be on the disk
        if self._change.action == RETAG:
            return chosen.items()
        return sorted(chosen.items())

    def _request(
        self, path: str, group: list[Choice], used: list[Reference], is_media: bool
    ) -> Request:
        index, first = self._index, group[0]
        new_label = self._new_label(first.row)
        target, stays = self._target(path, first.row, new_label)
        refusal = first.refusal or self._protection(path, group)
        if self._change.action == RETAG and not refusal:
            refusal = self._no_new_label(first.row, new_label, target)
        why = first.why
        if self._change.label is not None:
            why = f"'{index.labels[first.row]}' becomes '{new_label}'"
        records = [self._entry(row, group, new_label) for row in self._rows_of[path]]
        if not stays and not refusal:
            refusal = self._in_use(used, is_media)
            records += [_foreign_entry(reference) for reference in used]
        kept_copy = None
        if first.kept_copy is not None and self._change.action == QUARANTINE:
            digest = index.sha256[first.kept_copy]
            if digest is None or index.sha256[first.row] is None:
                refusal = refusal or "its content is not known: scan again"
            else:
                keeper = index.paths[first.kept_copy], index.ids[first.kept_copy]
                kept_copy = keeper[0], digest, keeper[1]
        return Request(
            path=path,
            why=why,
            records=records,
            label=index.labels[first.row],
            split=index.splits[first.row],
            sha256=self._sha256(first.row),
            kept_copy=kept_copy,
            target=target,
            stays=stays,
            refusal=refusal,
        )

    def _sha256(self, row: int) -> str | None:
        if self._index.run is None:
            return None
        try:
            return self._index.sha256[row]
        except StaleRunError:
            return None

    def _protection(self, path: str, group: list[Choice]) -> str | None:
        index, options = self._index, self._options
        if self._change.action != RETAG and any(
            index.ids[choice.row] in self._kept for choice in group
        ):
            return "a person decided to keep it"
        if any(
            choice.kept_copy is not None and index.ids[choice.row] in self._keepers
            for choice in group
        ):
            return "a person chose it as the copy to keep"
        for choice in group:
            for tag in options.protect_tags:
                if tag in (index.tags[choice.row] or ()):
                    return f"it is protected by the tag '{tag}'"
            if index.splits[choice.row] in options.protect_splits:
                return f"it is in the protected split '{index.splits[choice.row]}'"
        if any(path.startswith(folder) for folder in self._protected):
            return "it lies in a protected folder"
        return None

    def _in_use(self, used: list[Reference], is_media: bool) -> str | None:
        if is_media:
            return "it is the mask or thumbnail of a sample"
        if used and not self._options.update_all_references:
            return (
                f"the data set '{used[0].dataset}' uses it too (both are changed with "
                "'Files that other data sets use too', update_all_references=True)"
            )
        return None

    def _entry(
        self, row: int, group: list[Choice], new_label: str | None
    ) -> dict[str, Any]:
        index = self._index
        entry: dict[str, Any] = {
            "collection": sample_documents_name(index.dataset),
            "id": index.ids[row],
            "path": index.paths[row],
            "own": True,
            "set": {},
            "was": {},
        }
        chosen = any(choice.row == row for choice in group)
        relabeled = self._change.action == RETAG and chosen
        if relabeled and new_label is not None and index.label_field is not None:
            field = label_field_of(index.dataset, index.label_field)
            stored = index.stored_labels[row]
            values = {field.where: field.changed(new_label, stored)}
            entry |= to_json({"set": values, "was": {field.where: stored}})
        return entry

    def _check_label(self) -> None:
        index, label = self._index, self._change.label
        if index.label_field is None:
            raise InputError(
                "There is no label field to correct: scan with label_field=NAME first."
            )
        if label is None:
            return
        if not isinstance(label, str) or not label:
            raise InputError(
                f"label={label!r} is not a label: give a word, such as 'cat'."
            )
        # A word that the field cannot hold is refused, even as a new one
        label_field_of(index.dataset, index.label_field).values(label)
        known = sorted({one for one in index.labels if one is not None})
        if label not in known and not self._change.allow_new_label:
            shown = ", ".join(known[:20]) + (" ..." if len(known) > 20 else "")
            raise InputError(
                f"No sample is labeled '{label}' yet. Labels: {shown}. If it is meant "
                "as a new one, give allow_new_label=True."
            )

    def _new_label(self, row: int) -> str | None:
        if self._change.action != RETAG:
            return None
        if self._change.label is not None:
            return self._change.label
        return self._decided.get(row) or self._suggestions[row]

    @cached_property
    def _suggestions(self) -> list[str | None]:
        return self._index.finding("label_suggestion")

    @cached_property
    def _parted(self) -> set[int]:
        """Rows whose cluster would carry two labels after all suggestions."""
        index = self._index
        members: dict[int, list[int]] = {}
        for row, cluster in enumerate(index.finding("dup_cluster")):
            if cluster is not None:
                members.setdefault(cluster, []).append(row)

        def then(row: int) -> str | None:
            return self._new_label(row) if row in self._chosen else index.labels[row]

        return {
            row
            for rows in members.values()
            if len({then(row) for row in rows} - {None}) > 1
            for row in rows
        }

    def _no_new_label(
        self, row: int, new_label: str | None, target: str | None
    ) -> str | None:
        if new_label is None:
            return "there is no suggestion for it"
        if new_label == self._index.labels[row]:
            return "it has that label already"
        by_suggestion = self._change.label is None and row not in self._decided
        if by_suggestion and row in self._parted:
            return (
                "a copy of it would keep another label: press 'Call it' for each of "
                "them, or give one label (label=)"
            )
        if target is not None and (
            "/" in new_label or "\0" in new_label or new_label.startswith(".")
        ):
            return (
                "its label cannot be a folder's name (on_disk=False changes it alone)"
            )
        return None

    def _target(
        self, path: str, row: int, new_label: str | None
    ) -> tuple[str | None, bool]:
        """Returns where a file goes, and whether it stays."""
        if self._change.action == QUARANTINE:
            return None, False
        inside = os.path.relpath(path, self._where.alias)
        if self._change.action == MOVE:
            root = self._where.target_root or "/"
            folder = move_folder(self._change, self._where.alias)
            return os.path.normpath(f"{os.path.relpath(folder, root)}/{inside}"), False
        folder, name = os.path.split(inside)
        above, last = os.path.split(folder)
        in_class_folder = last and last == self._index.labels[row]
        if not self._change.on_disk or new_label is None or not in_class_folder:
            return None, True
        return os.path.join(above, new_label, name), False


def _foreign_entry(reference: Reference) -> dict[str, Any]:
    return {
        "collection": reference.collection,
        "id": reference.sample,
        "path": reference.path,
        "own": False,
        "set": {},
        "was": {},
    }


def totals_of(index: SampleIndex) -> Totals:
    """Counts the samples that are present, for the limits."""
    rows = sorted(index.here)
    labels = (index.labels[row] for row in rows)
    splits = (index.splits[row] for row in rows)
    return Totals(
        len(rows),
        Counter(label for label in labels if label is not None),
        Counter(split for split in splits if split is not None),
    )
