"""What the driver of a job holds: `cluster_memory.py ROWS OUT`, OUT of a finished job.

The records of the job are repeated, each time with other digests and slightly other
looks, so that no two rows are one image. What a driver does with them is done: to
join what shards say, to unite, to verify, to learn, to judge and to write tables; what
its tasks would send (lists of neighbors, scores of pairs) is drawn. Prints by stage the
seconds and the most memory that was held meanwhile, pages of mapped files not counted.
"""

from __future__ import annotations

import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from measuring import own_megabytes

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from core.embedding.file_facts import FileFacts  # noqa: E402
from core.embedding.image_table import ImageTable, unique_records  # noqa: E402
from core.findings.decisions import no_decisions  # noqa: E402
from core.models.registry import load_embedder  # noqa: E402
from core.neighbors.knn_graph import NeighborGraph  # noqa: E402
from core.reading.files import FileContent, ReadFailure, read_file  # noqa: E402
from core.scan.apply_thresholds import (  # noqa: E402
    accepted_pairs,
    apply_thresholds,
    with_fixed_judgment,
)
from core.scan.candidate_search import NeighborSearch  # noqa: E402
from core.scan.learn import StageClock, learned, model_info  # noqa: E402
from core.scan.previous_scan import PreviousScan  # noqa: E402
from core.scan.samples import samples_of  # noqa: E402
from core.scan.scan_data import ImageGraphs, ScanInput, VerifiedPairs  # noqa: E402
from core.scan.settings import DEFAULTS  # noqa: E402
from core.scan.unique_images import unique_images  # noqa: E402
from core.sharded_scan.job import FinishedJob  # noqa: E402
from core.sharded_scan.job_folder import JobFolder  # noqa: E402
from core.sharded_scan.job_report import job_report  # noqa: E402
from core.sharded_scan.outputs import summary_of, write_outputs  # noqa: E402

_NEIGHBORS, _PAIRS_A_ROW, _COPIES = 44, 2.7, 0.02
_CLASSES, _SPLITS = 10, 3
_DISTINCT = ("digest", "picture_digest", "first_digest", "signature")


def main() -> None:
    rows, out = int(sys.argv[1]), Path(sys.argv[2])
    watch = _Watch()
    embedder = load_embedder()
    store = _Repeated(out)
    rng = np.random.default_rng(0)
    paths = [b"%s#%d" % (store.paths[row % len(store)], row) for row in range(rows)]
    every = np.arange(rows)
    with watch.stage("join the shards"):
        unique_file, positions = unique_records(every, store)
        facts = FileFacts.unknown(rows)
        table = ImageTable(
            unique_file,
            {},
            facts.file_bytes,
            facts.modified,
            every,
            facts.is_link,
            positions,
            store,
        )
        names = ScanInput(
            paths,
            rng.integers(0, _CLASSES, rows).astype(np.int32),
            [str(number) for number in range(_CLASSES)],
            rng.integers(0, _SPLITS, rows).astype(np.int32),
            ["train", "validation", "test"][:_SPLITS],
        )
        samples = samples_of(table, names)
    with watch.stage("unite equal images"):
        images = unique_images(table)
    print(f"{len(images):,} unique images")
    clock = _Told(watch)
    with tempfile.TemporaryDirectory() as scratch, watch.stage(""):
        data = learned(
            names,
            table,
            samples,
            images,
            embedder,
            _Drawn(rng),
            before=PreviousScan(None, images, model_info(embedder)),
            clock=clock,
            folder=Path(scratch),
            settings=DEFAULTS,
        )
    with watch.stage("judge and find"):
        data = with_fixed_judgment(data, DEFAULTS)
        findings = apply_thresholds(data, DEFAULTS)
        is_copy = accepted_pairs(data, DEFAULTS, no_decisions(rows))
    job = FinishedJob(names, data, DEFAULTS, findings, is_copy, {}, {}, [])
    with tempfile.TemporaryDirectory() as scratch, watch.stage("write tables"):
        folder = JobFolder(scratch)
        report = job_report(job, "made", [], "today")
        write_outputs(job, folder, summary_of(job, "made"), report)


class _Repeated:
    """The records of a job, again and again."""

    def __init__(self, out: Path) -> None:
        import pyarrow.parquet as pq

        files = sorted((out / "work" / "records").glob("*.npy"))
        self._parts = [np.load(file, mmap_mode="r") for file in files]
        self._ends = np.cumsum([len(part) for part in self._parts])
        self.dtype = self._parts[0].dtype
        tables = [
            pq.read_table(out / "records" / f"{file.stem}.parquet", columns=["path"])
            for file in files
        ]
        self.paths = [
            path.encode() for one in tables for path in one["path"].to_pylist()
        ]

    def __len__(self) -> int:
        return int(self._ends[-1])

    def read(self, positions: np.ndarray, field: str) -> np.ndarray:
        of_field = self.dtype[field]
        result = np.empty((len(positions), *of_field.shape), of_field.base)
        again, row = np.divmod(positions, len(self))
        part = np.searchsorted(self._ends, row, side="right")
        for number, records in enumerate(self._parts):
            some = np.flatnonzero(part == number)
            first = self._ends[number] - len(records)
            result[some] = records[field][row[some] - first]
        if field in _DISTINCT:
            # The last bytes say which time it is
            marks = again.astype("<u4").view(np.uint8).reshape(-1, 4)
            result[:, -4:] ^= marks
        return result


@dataclass(frozen=True, eq=False)
class _Drawn:
    """Heavy stages whose results are drawn."""

    rng: np.random.Generator

    def read_content(self, path: bytes) -> FileContent | ReadFailure:
        return read_file(path.rpartition(b"#")[0])

    def search(self, images: Any, *_: object) -> NeighborSearch:
        count = len(images)
        graphs = [self._graph(count) for _ in range(2)]
        pairs = self.rng.integers(0, count, (int(_PAIRS_A_ROW * count), 2), np.int32)
        pairs = np.unique(np.sort(pairs[pairs[:, 0] != pairs[:, 1]], axis=1), axis=0)
        return NeighborSearch(ImageGraphs(*graphs, 4), pairs)

    def _graph(self, count: int) -> NeighborGraph:
        # Near in number: as images of one kind are near each other
        indices = np.empty((count, _NEIGHBORS), np.int32)
        similarities = np.empty((count, _NEIGHBORS), np.float32)
        for start in range(0, count, 10_000):
            rows = np.arange(start, min(start + 10_000, count))[:, None]
            indices[rows[:, 0]] = (rows + 1 + np.arange(_NEIGHBORS)) % count
            drawn = self.rng.uniform(0.5, 0.9, (len(rows), _NEIGHBORS))
            similarities[rows[:, 0]] = -np.sort(-drawn, axis=1)
        return NeighborGraph(indices, similarities)

    def verify(self, images: object, pairs: np.ndarray) -> VerifiedPairs:
        count = len(pairs)
        copies = self.rng.random(count) < _COPIES
        score = np.where(copies, 0.99, 0.01).astype(np.float32)
        none = np.zeros(count, np.uint8)
        return VerifiedPairs(
            pairs, score, score, none.astype(np.int16), none, none.astype(bool)
        )


class _Watch:
    """Prints of each stage the seconds, and the most memory that was held."""

    def __init__(self) -> None:
        self.most = 0.0
        self._began = time.perf_counter()
        threading.Thread(target=self._look, daemon=True).start()

    def _look(self) -> None:
        while True:
            self.most = max(self.most, own_megabytes())
            time.sleep(0.05)

    def end(self, name: str) -> None:
        seconds = time.perf_counter() - self._began
        if name:
            print(f"| {name} | {seconds:.1f} | {self.most / 1e3:.2f} |", flush=True)
        self._began, self.most = time.perf_counter(), own_megabytes()

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        yield
        self.end(name)


class _Told(StageClock):
    """A clock of stages that the watch is told of."""

    def __init__(self, watch: _Watch) -> None:
        super().__init__()
        self._watch = watch

    def end(self, stage: str) -> None:
        super().end(stage)
        self._watch.end(stage)


if __name__ == "__main__":
    main()
