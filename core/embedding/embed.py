"""The one pass over the files, by threads or by a process per core."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from ..common.cpu import available_cores
from ..common.worker import work_of
from ..models.registry import SPECS
from ..progress import OnProgress, silent
from .file_pass import FilePass, block_embedder, open_stores
from .image_table import ImageTable
from .records import ImageEmbedder
from .threads import BATCH
from .worker_pool import WorkerPool

_CORES_FOR_THREADS = 2
"""Up to so many, threads were measured to read as fast as processes (1.9 times one
core on two). An image holds the interpreter's lock for a seventh of its time (AVX2;
more where the model is faster), so threads keep seven cores busy at most."""


def embed_images(
    paths: Sequence[bytes],
    embedder: ImageEmbedder | None,
    *,
    folder: Path,
    max_megapixels: float,
    cores: int | None = None,
    on_progress: OnProgress = silent,
) -> ImageTable:
    """Reads, describes and embeds n files.

    On more than two cores, many new files are embedded by processes; the table is the
    same, to the last bit.

    Args:
        paths: absolute file paths
        embedder: the model, or None to describe the pictures only
        folder: where records are kept between runs
        max_megapixels: larger pictures are refused from their header
        cores: to use at once; by default all that we may use
        on_progress: told after each batch; may raise to cancel, which keeps
            what was embedded so far

    Returns:
        one row a path; a bad file is a failure in the table, never an error
    """
    cores = cores or available_cores()
    job = FilePass(paths, embedder, *open_stores(folder, embedder), max_megapixels)
    threads = min(cores, max(1, len(paths) // BATCH))
    if cores <= _CORES_FOR_THREADS or not (embedder is None or embedder.name in SPECS):
        job.run(threads, on_progress)
        return job.table()
    model = embedder.name if embedder else None
    work = work_of(block_embedder, model, os.fspath(folder), max_megapixels)
    pool = WorkerPool(paths, work, cores, job.stop)
    job.follow(pool.embedded)
    try:
        job.run(threads, on_progress)
    finally:
        pool.close()
    return job.table()
