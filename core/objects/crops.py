"""Embeds what boxes show: each file is read once more, for all of its new crops."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..common.cpu import available_cores
from ..embedding.image_table import ImageTable, unique_records
from ..embedding.records import ImageEmbedder, open_store
from ..embedding.threads import BATCH, Batch, Pass
from ..progress import OnProgress, silent
from ..reading.decode import WHOLE, DecodedImage, decode_image
from ..reading.files import ReadFailure, read_file
from ..reading.frames import pixel_digest
from ..reading.jpeg_damage import NO_DAMAGE
from ..scan.scan_data import ScanData
from ..storage.record_store import ABSENT
from .units import Units

_CROP_VERSION = b"winnow crop 1"
"""Part of the key of a record; raise it when crops are cut out differently."""


def embed_crops(
    paths: Sequence[bytes],
    pictures: ScanData,
    units: Units,
    embedder: ImageEmbedder,
    *,
    folder: Path,
    max_megapixels: float,
    cores: int | None = None,
    on_progress: OnProgress = silent,
) -> ImageTable:
    """Describes and embeds the crops of u objects.

    A crop is found again by the bytes of its file and its box: to move a box costs one
    crop, to rename a file none. Pictures are decoded at full size, so that a crop does
    not depend on the other boxes of its file.

    Args:
        paths: absolute file paths
        pictures: what a scan knows of these files
        units: the objects
        embedder: the model
        folder: where records are kept between runs
        max_megapixels: larger pictures are refused
        cores: to use at once; by default all that we may use
        on_progress: told after each batch; may raise to cancel

    Returns:
        one row an object; those without a crop have neither content nor failure
    """
    job = _CropPass(paths, pictures, units, embedder, folder, max_megapixels)
    job.run(min(cores or available_cores(), max(1, job.count // BATCH)), on_progress)
    samples = pictures.samples
    unique_crop, positions = unique_records(job.positions, job.store)
    return ImageTable(
        unique_crop,
        job.failures,
        samples.file_bytes[units.file],
        samples.modified[units.file],
        samples.file_id[units.file],
        samples.is_link[units.file],
        positions,
        job.store,
    )


class _CropPass(Pass):
    """One row an object, found again by its file's digest and its box.

    Attributes:
        count: of objects that are cut out
    """

    def __init__(
        self,
        paths: Sequence[bytes],
        pictures: ScanData,
        units: Units,
        embedder: ImageEmbedder,
        folder: Path,
        max_megapixels: float,
    ) -> None:
        unique_file = pictures.samples.unique_file
        cut = units.can_be_cut & (unique_file[units.file] >= 0)
        rows = np.flatnonzero(cut)
        rows = rows[np.argsort(units.file[rows], kind="stable")]
        # Visits are numbered: each is one file, with a run of these rows
        files, starts = np.unique(units.file[rows], return_index=True)
        super().__init__(
            len(files), len(units.file), embedder, open_store(folder, embedder),
            "Reading objects",
        )  # fmt: skip
        self.count = len(rows)
        self._paths = [paths[file] for file in files.tolist()]
        self._rows = np.split(rows, starts[1:]) if len(files) else []
        self._boxes = units.box
        digests = pictures.files.digest[unique_file[files]]
        self._digests = [digest.tobytes() for digest in digests]
        self._max_megapixels = max_megapixels
        self.done.put(len(units.file) - len(rows))

    def new_files(self, turn: Sequence[int]) -> list[int]:
        new = []
        for file in turn:
            rows = self._rows[file]
            self.positions[rows] = self.store.positions(self._keys(file, rows))
            missing = int((self.positions[rows] == ABSENT).sum())
            self.done.put(len(rows) - missing)
            if missing:
                new.append(file)
        return new

    def visit(self, file: int, batch: Batch) -> None:
        rows = self._rows[file][self.positions[self._rows[file]] == ABSENT]
        picture = self._picture(file)
        if isinstance(picture, ReadFailure):
            for row in rows.tolist():
                self.fail(row, picture)
            return
        for row, key in zip(rows.tolist(), self._keys(file, rows), strict=True):
            left, top, right, bottom = self._boxes[row].tolist()
            batch.add(row, key, _as_picture(picture[top:bottom, left:right]))

    def _keys(self, file: int, rows: NDArray[np.int64]) -> list[bytes]:
        start = _CROP_VERSION + self._digests[file]
        boxes = self._boxes[rows].astype("<i4")
        return [hashlib.sha256(start + box.tobytes()).digest() for box in boxes]

    def _picture(self, file: int) -> NDArray[np.uint8] | ReadFailure:
        """Returns the upright picture at full size."""
        content = read_file(self._paths[file])
        if isinstance(content, ReadFailure):
            return content
        if content.digest != self._digests[file]:
            return ReadFailure("read_error", "the file changed during the scan")
        image = decode_image(
            content.data, side=WHOLE, max_megapixels=self._max_megapixels
        )
        return image if isinstance(image, ReadFailure) else image.upright()


def _as_picture(pixels: NDArray[np.uint8]) -> DecodedImage:
    height, width = pixels.shape[:2]
    pixels = np.ascontiguousarray(pixels)
    digest = pixel_digest(pixels)
    return DecodedImage(
        stored=pixels,
        orientation=1,
        full_size=(width, height),
        picture_digest=digest,
        is_pixel_digest=True,
        damage=NO_DAMAGE,
        first_digest=digest,
        picture_count=1,
        decoded_pixels=width * height,
    )
