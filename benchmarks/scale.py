"""How search, clusters and scores grow up to a million images, and writes scale.md.

    python benchmarks/scale.py FOLDER [--sizes 10000 100000 1000000] [--scratch DIR]

The vectors are made from those of the folder's images: between one and one of its
ten nearest, with noise, and kept in the store that a scan keeps them in. Each size
runs in a process of its own, from vectors on disk to outlier distances and label
scores; compiling counts.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from datetime import date
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace

import numpy as np
from measuring import own_megabytes, peak_megabytes

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from core.common.float16 import to_single  # noqa: E402
from core.neighbors.knn_graph import Vectors  # noqa: E402
from core.storage.record_store import RecordStore, StoredColumn  # noqa: E402

SIZES = (10_000, 30_000, 100_000, 300_000, 1_000_000)
ASKED = 1_000
ROWS_AT_ONCE = 20_000
COPY_DIM, FEATURE_DIM = 256, 1_280
SPLITS, SPLIT_SHARES = 3, (0.8, 0.1, 0.1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    default = Path(tempfile.gettempdir()) / "winnow-bench"
    parser.add_argument("--scratch", type=Path, default=default)
    options = parser.parse_args()
    work = options.scratch / "scale"
    work.mkdir(parents=True, exist_ok=True)
    make_vectors(options.folder, work, max(options.sizes))
    results = {size: run(work, size) for size in sorted(options.sizes)}
    HERE.joinpath("scale.md").write_text(table(results, options.folder.name))
    draw(results, HERE / "scale.svg")
    print(table(results, options.folder.name))


def make_vectors(folder: Path, work: Path, count: int) -> None:
    """Writes the store of the vectors and labels.npy, once."""
    from core.embedding.embed import embed_images
    from core.models.registry import load_embedder
    from core.neighbors.knn_graph import neighbor_graph
    from core.reading.folders import list_images

    if any(int(made.stem) >= count for made in work.glob("*.ready")):
        return
    images = list_images(folder).images
    table = embed_images(
        [os.fsencode(image.path) for image in images],
        load_embedder(),
        folder=work / "cache",
        max_megapixels=500,
    )
    rows = np.flatnonzero(table.unique_file >= 0)
    classes = sorted({image.label or "" for image in images})
    label = np.array([classes.index(images[row].label or "") for row in rows])
    real = [
        to_single(table.column(name)[table.unique_file[rows]])
        for name in ("copy", "features")
    ]
    near = neighbor_graph(real[0], 10).indices
    rng = np.random.default_rng(0)
    store = open_store(work)
    labels = np.empty(count, np.int32)
    for start in range(0, count, ROWS_AT_ONCE):
        some = min(ROWS_AT_ONCE, count - start)
        one = rng.integers(0, len(rows), some)
        other = near[one, rng.integers(0, 10, some)]
        share = rng.uniform(0, 0.5, (some, 1)).astype(np.float32)
        loud = 0.5 * rng.uniform(0, 1, (some, 1)).astype(np.float32)
        labels[start : start + some] = label[one]
        made = np.empty(some, store.dtype)
        for vectors, name in zip(real, made.dtype.names, strict=True):
            row = vectors[one] * (1 - share) + vectors[other] * share
            noise = rng.standard_normal(row.shape, np.float32)
            # Half of the noise where the numbers are: features are not negative
            row += loud * noise * np.abs(row)
            made[name] = row / np.linalg.norm(row, axis=1, keepdims=True)
        store.append([n.to_bytes(32, "big") for n in range(start, start + some)], made)
    np.save(work / "labels.npy", labels)
    work.joinpath(f"{count}.ready").touch()


def open_store(work: Path) -> RecordStore:
    record = [("copy", "<f2", (COPY_DIM,)), ("features", "<f2", (FEATURE_DIM,))]
    return RecordStore(work / "vectors", np.dtype(record))


def run(work: Path, size: int) -> dict[str, float]:
    command = [sys.executable, __file__, "--job", str(work), str(size)]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True)
    result: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    print(size, result, flush=True)
    return result


def job(work: Path, size: int) -> None:
    """Runs in a child: prints seconds by step, recall and peak memory."""
    from core.findings.class_learning import learn_classes
    from core.findings.label_issues import judge_labels
    from core.findings.label_support import gather_evidence
    from core.findings.outliers import outlier_distances
    from core.models.registry import load_embedder
    from core.scan.candidate_search import search_neighbors
    from core.scan.image_labels import connected_groups
    from core.scan.verified_pairs import cosines

    minimum = load_embedder().min_candidate_similarity
    store, rows = open_store(work), np.arange(size)
    copies = store.read(rows, "copy")
    features = StoredColumn(store, rows, "features")
    labels = np.load(work / "labels.npy")[:size]
    splits = np.random.default_rng(1).choice(SPLITS, size, p=SPLIT_SHARES)
    present = splits == np.arange(SPLITS)[:, None]
    result: dict[str, float] = {}
    began, used = time.perf_counter(), time.process_time()
    last = [began]

    def lap(step: str) -> None:
        result[step] = time.perf_counter() - last[0]
        last[0] = time.perf_counter()

    images = SimpleNamespace(descriptors=copies, features=features)
    found = search_neighbors(images, present, minimum)
    by_features = found.graphs.by_features()
    by_descriptors = found.graphs.by_descriptors()
    lap("search")
    pairs = found.candidates
    cluster = connected_groups(size, pairs[cosines(copies, pairs) >= 0.97])
    lap("cluster")
    outlier_distances(by_features, cluster, copy_graph=by_descriptors)
    lap("outliers")
    classes = int(labels.max()) + 1
    learned = learn_classes((copies, features), labels, cluster, classes)[0]
    judge_labels(
        gather_evidence(
            learned, by_features, labels, cluster, classes, copy_graph=by_descriptors
        )
    )
    lap("labels")
    result["wall"] = time.perf_counter() - began
    result["cpu"] = time.process_time() - used
    result["peak"] = peak_megabytes()
    result["own"] = own_megabytes()
    result["pairs"] = len(pairs)
    for name, vectors, graph in (
        ("copies", copies, by_descriptors),
        ("features", features, by_features),
    ):
        for k in (10, 40):
            result[f"{name}{k}"] = recall(vectors, graph.indices, k)
    print(json.dumps(result))


def recall(vectors: Vectors, found: np.ndarray, k: int) -> float:
    """Returns the share of the k nearest, by all numbers, that some rows found."""
    asked = np.arange(0, len(vectors), max(1, len(vectors) // ASKED))
    queries = to_single(vectors[asked])
    best = np.full((len(asked), k + 1), -np.inf, np.float32)
    rows = np.full((len(asked), k + 1), -1)
    for start in range(0, len(vectors), ROWS_AT_ONCE):
        cosine = queries @ to_single(vectors[start : start + ROWS_AT_ONCE]).T
        every = np.hstack([best, cosine])
        named = np.hstack(
            [rows, np.broadcast_to(start + np.arange(cosine.shape[1]), cosine.shape)]
        )
        top = np.argpartition(-every, k, axis=1)[:, : k + 1]
        best = np.take_along_axis(every, top, 1)
        rows = np.take_along_axis(named, top, 1)
    hits = 0
    for row, wanted, got in zip(asked, rows, found[asked, :k], strict=True):
        hits += len(np.intersect1d(np.setdiff1d(wanted, [row]), got))
    return hits / (k * len(asked))


def table(results: dict[int, dict[str, float]], name: str) -> str:
    lines = [
        "# From ten thousand to a million images",
        "",
        f"{date.today()}, `python benchmarks/scale.py {name}`, {os.cpu_count()} cores, "
        f"numpy {np.__version__}, pynndescent {metadata.version('pynndescent')}. "
        "Vectors on disk (256 and 1,280 numbers in half precision, in the store of a "
        "scan) to neighbors, clusters, outlier distances and label scores; compiling "
        "counts. Recall of the ten and of the forty nearest by all numbers, of 1,000 "
        "rows. Peak memory is all that was resident, pages of mapped files included. "
        "Absolute times belong to this machine.",
        "",
        "![cost](scale.svg)",
        "",
        "| images | wall s | CPU s | CPU ms an image | search | clusters | outliers | "
        "labels | recall@10, @40 copies | features | peak MB | own MB at the end |",
        "| --: | --: | --: | --: | --: | --: | --: | --: | --: | --: | --: | --: |",
    ]
    lines += [
        f"| {size:,} | {r['wall']:.0f} | {r['cpu']:.0f} | "
        f"{1000 * r['cpu'] / size:.2f} | {r['search']:.0f} | "
        f"{r['cluster']:.1f} | {r['outliers']:.1f} | {r['labels']:.0f} | "
        f"{r['copies10']:.4f}, {r['copies40']:.4f} | "
        f"{r['features10']:.4f}, {r['features40']:.4f} | "
        f"{r['peak']:,.0f} | {r['own']:,.0f} |"
        for size, r in results.items()
    ]
    if len(results) > 2:
        power = np.polyfit(
            np.log(list(results)), np.log([r["cpu"] for r in results.values()]), 1
        )[0]
        lines += ["", f"CPU seconds grow like images to the power of {power:.2f}."]
    return "\n".join([*lines, ""])


def draw(results: dict[int, dict[str, float]], path: Path) -> None:
    """Draws CPU seconds over images, both logarithmic, beside a straight line."""
    import matplotlib

    matplotlib.use("svg")
    from matplotlib import pyplot

    sizes = np.array(list(results))
    costs = np.array([r["cpu"] for r in results.values()])
    figure, axes = pyplot.subplots(figsize=(6, 4))
    axes.loglog(sizes, costs, "o-", label="measured")
    axes.loglog(sizes, costs[-1] * sizes / sizes[-1], "--", label="linear")
    axes.set(xlabel="images", ylabel="CPU seconds")
    axes.legend()
    figure.tight_layout()
    figure.savefig(path)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--job"]:
        job(Path(sys.argv[2]), int(sys.argv[3]))
    else:
        main()
