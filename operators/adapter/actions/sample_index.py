"""What is asked of all samples of a data set, one value a row."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import fiftyone as fo

from ....core.errors import CurationError
from ..dataset.fields import field_name
from ..dataset.labels import label_field_of
from ..dataset.present import is_present
from ..runs.run_record import ScanRun, complete_run
from ..runs.stored_run import StoredRun, load_run

Value = TypeVar("Value")


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
    def folder(self) -> str:
        """The folder that holds the images, as the data set spells it: the one that
        was scanned, or the nearest that all have in common."""
        if known := self.dataset.info.get("root"):
            return str(known)
        here = [str(Path(self.paths[row]).parent) for row in self.here]
        return os.path.commonpath(here or ["/"])

    def name(self, row: int) -> str:
        """Returns a file's name as plans have it, from the images' folder on."""
        inside = os.path.relpath(self.paths[row], self.folder)
        return self.paths[row] if inside.startswith("..") else inside

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
