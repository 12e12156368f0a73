"""Brain runs of FiftyOne on the embeddings of a scan."""

from __future__ import annotations

import fiftyone as fo
import numpy as np

from ....core.errors import InputError
from ....core.progress import OnProgress, Progress
from ..dataset.fields import CREATED_BY, field_name, is_ours
from ..dataset.present import present
from ..dataset.scan_vectors import scanned_vectors
from ..runs.lock import exclusive_run
from ..runs.run_record import ScanRun, brain_keys, complete_run

METHODS = {
    "pca": "Seconds: the two directions in which the images differ most",
    "tsne": "Minutes: groups of similar images stand out better",
    "umap": "Minutes, and needs the package umap-learn",
}
_FIELD = "winnow_embedding"


def register_brain_runs(
    dataset: fo.Dataset, method: str, prefix: str | None, on_progress: OnProgress
) -> tuple[int, str]:
    """Writes the embeddings to a field and registers both runs on it.

    Returns:
        how many images have an embedding, and the field
    """
    # It takes seconds to import, and only this needs it
    import fiftyone.brain as fob

    run = complete_run(dataset, prefix)
    similarity, visualization = brain_keys(prefix)
    with exclusive_run(dataset):
        if method == "umap":
            _require_umap()
        name = run.settings["embeddings"]
        if not name:
            name = field_name(_FIELD, prefix)
            _write_vectors(dataset, run, name, prefix, on_progress)
        for key in (similarity, visualization):
            if dataset.has_brain_run(key):
                dataset.delete_brain_run(key)
        embedded = present(dataset.exists(name))
        on_progress(Progress("Registering brain runs", 0, 2))
        fob.compute_similarity(
            embedded,
            embeddings=name,
            brain_key=similarity,
            backend="sklearn",
            metric="cosine",
            progress=False,
        )
        on_progress(Progress("Registering brain runs", 1, 2))
        fob.compute_visualization(
            embedded,
            embeddings=name,
            brain_key=visualization,
            method=method,
            seed=0,
            progress=False,
        )
        on_progress(Progress("Registering brain runs", 2, 2))
        dataset.reload()
        return embedded.count(), name


def _write_vectors(
    dataset: fo.Dataset,
    run: ScanRun,
    name: str,
    prefix: str | None,
    on_progress: OnProgress,
) -> None:
    field = dataset.get_field(name)
    if field is not None and not is_ours(field):
        raise InputError(
            f"The field '{name}' already exists and was not made by Winnow, which "
            "keeps embeddings there. Rename it first."
        )
    found = scanned_vectors(dataset, run.settings, prefix, "features", on_progress)
    vectors = found.vectors.astype(np.float32)
    if field is None:
        dataset.add_sample_field(
            name,
            fo.VectorField,
            description="Embedding of the scan's model",
            info={"created_by": CREATED_BY},
        )
    dataset.set_values(name, dict(zip(found.ids, vectors, strict=True)), key_field="id")


def _require_umap() -> None:
    from importlib.util import find_spec

    if find_spec("umap") is None:
        raise InputError(
            "Drawing by UMAP needs the package umap-learn: pip install umap-learn. "
            "PCA needs nothing."
        )
