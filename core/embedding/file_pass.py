"""A pass over files: each is read once, described and embedded.

What the pass learns of a picture is kept in a
:class:`~core.storage.record_store.RecordStore` under the digest of the file's bytes, so
that a picture seen before, under whatever name, costs a look-up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeAlias

import numpy as np

from ..models.registry import load_embedder
from ..reading.files import FileContent, ReadFailure, file_identity, read_file
from ..storage.record_store import ABSENT, RecordStore
from .file_facts import FileFacts
from .image_table import ImageTable, unique_records
from .records import ImageEmbedder, open_seen, open_store
from .threads import Batch, Pass, Session

Rows: TypeAlias = Sequence[int]
EmbedBlocks: TypeAlias = Callable[[Iterator[Rows]], Iterator[tuple[Rows, bool]]]
"""Blocks of files -> the same blocks, and whether the file killed its process."""


class FilePass(Pass):
    """One row a file, found again by the digest of its bytes."""

    def __init__(
        self,
        paths: Sequence[bytes],
        embedder: ImageEmbedder | None,
        seen: RecordStore,
        store: RecordStore,
        max_megapixels: float,
    ) -> None:
        count = len(paths)
        super().__init__(count, count, embedder, store, "Reading images", seen)
        self._paths = paths
        self._seen = seen
        self._records = store
        self._max_megapixels = max_megapixels
        self._facts = FileFacts.unknown(count)

    def follow(self, embedded: EmbedBlocks) -> None:
        """Leaves new files to others; what is left then is to look up their records.

        Args:
            embedded: blocks of files -> the same, each when its records are stored
        """
        turns = self.turns
        new = (others for turn in turns if (others := self.new_files(turn)))
        self.turns = self._found_after(embedded(new))

    def table(self) -> ImageTable:
        self._refuse_too_large()
        unique_file, positions = unique_records(self.positions, self.store)
        return ImageTable(
            unique_file,
            self.failures,
            self._facts.file_bytes,
            self._facts.modified,
            self._facts.file_ids(),
            self._facts.is_link,
            positions,
            self.store,
        )

    def new_files(self, turn: Rows) -> list[int]:
        """Finds the records of files that did not change; returns the others.

        Many at once: to look for each by itself takes twice as long.
        """
        keys = {row: key for row in turn if (key := self._identity(row)) is not None}
        places = self._seen.positions(list(keys.values()))
        is_seen = places != ABSENT
        digests = self._seen.read(places[is_seen], "digest")
        found = self.store.positions([digest.tobytes() for digest in digests])
        self.positions[np.array(list(keys), np.int64)[is_seen]] = found
        others = [row for row in turn if self.positions[row] == ABSENT]
        self.done.put(len(turn) - len(others))
        return others

    def visit(self, file: int, batch: Batch) -> None:
        """Finds the file's record by its bytes, or puts its picture into the batch."""
        # Asked again: it may have changed while others of its turn were read
        key = self._identity(file)
        if key is None:
            return self.done.put(1)
        self.failures.pop(file, None)
        content = read_file(self._paths[file])
        if isinstance(content, FileContent):
            batch.remember(key, content.digest)
        return self.describe(file, content, batch, self._max_megapixels)

    def _found_after(self, embedded: Iterator[tuple[Rows, bool]]) -> Iterator[Rows]:
        for rows, is_deadly in embedded:
            if is_deadly:
                failure = ReadFailure("read_error", "the process that read it died")
                self.fail(rows[0], failure)
                continue
            self._seen.refresh()
            self._records.refresh()
            yield rows

    def _identity(self, row: int) -> bytes | None:
        """Notes what the file system says of a file; returns the key of its state."""
        identity = file_identity(self._paths[row])
        if isinstance(identity, ReadFailure):
            self.failures[row] = identity
            return None
        self._facts.note(row, identity)
        return identity.key

    def _refuse_too_large(self) -> None:
        """Applies the limit to records from runs with a larger one."""
        rows = np.flatnonzero(self.positions != ABSENT)
        pixels = self.store.read(self.positions[rows], "decoded_pixels")
        for row in rows[pixels > self._max_megapixels * 1e6].tolist():
            self.positions[row] = ABSENT
            self.failures[row] = ReadFailure(
                "too_large", f"more than max_megapixels={self._max_megapixels:g}"
            )


class BlockEmbedder:
    """Puts the records of one block of files after the other into the stores.

    For one thread, which opens the stores and the model once.

    Args:
        embedder, folder, max_megapixels: see :func:`~core.embedding.embed.embed_images`
    """

    def __init__(
        self, embedder: ImageEmbedder | None, folder: Path, max_megapixels: float
    ) -> None:
        self._embedder = embedder
        self._stores = open_stores(folder, embedder)
        self._max_megapixels = max_megapixels
        self._session = Session(embedder)

    def __call__(self, paths: Sequence[bytes]) -> None:
        """Embeds the files that have no record yet; bad files get none.

        Raises:
            CacheError: the folder cannot be used
        """
        job = FilePass(paths, self._embedder, *self._stores, self._max_megapixels)
        job.work(self._session)


def block_embedder(
    model: str | None, folder: str, max_megapixels: float
) -> BlockEmbedder:
    """Returns what embeds blocks of files, for a worker process.

    It writes to the stores of the process that started it, which then finds there what
    it would have computed itself.

    Args:
        model: name of a model of :data:`core.models.registry.SPECS`, or None to
            describe the pictures only
        folder: where records are kept
        max_megapixels: larger pictures are refused from their header
    """
    embedder = None if model is None else load_embedder(model)
    return BlockEmbedder(embedder, Path(folder), max_megapixels)


def open_stores(
    folder: Path, embedder: ImageEmbedder | None
) -> tuple[RecordStore, RecordStore]:
    """Opens the digests of files seen before, and the records of their contents."""
    return open_seen(folder), open_store(folder, embedder)
