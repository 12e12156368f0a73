"""What the driver of a job holds: `cluster_memory.py ROWS OUT`, OUT of a finished job.

The records of the job are repeated, each time with other digests and with the looks of
another picture mixed in, so that no two rows are one image. What a driver does with
them is done: to read the manifest, to join what shards say, to unite, to verify, to
learn, to judge and to write tables; what its tasks would send (cells, lists of
neighbors, scores of pairs) is drawn. Prints by stage the CPU seconds and the most
memory that was held meanwhile, pages of mapped files not counted.

With ``--draw-turned`` the search for turned copies, which takes most of the time, is
left out: its pairs are drawn with the others.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from measuring import own_megabytes

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from core.common.pairs import distinct_pairs  # noqa: E402
from core.embedding.file_facts import FileFacts  # noqa: E402
from core.findings.decisions import no_decisions  # noqa: E402
from core.models.registry import load_embedder  # noqa: E402
from core.neighbors.graph_files import graph_in_files  # noqa: E402
from core.neighbors.knn_graph import NO_NEIGHBOR, NeighborGraph  # noqa: E402
from core.neighbors.reverse_neighbors import with_reverse_neighbors  # noqa: E402
from core.reading.files import FileContent, ReadFailure, read_file  # noqa: E402
from core.scan import copy_trial, learn  # noqa: E402
from core.scan.apply_thresholds import (  # noqa: E402
    accepted_pairs,
    apply_thresholds,
    with_fixed_judgment,
)
from core.scan.candidate_search import NeighborSearch  # noqa: E402
from core.scan.learn import StageClock, learned, model_info  # noqa: E402
from core.scan.previous_scan import PreviousScan  # noqa: E402
from core.scan.samples import samples_of  # noqa: E402
from core.scan.scan_data import ImageGraphs, VerifiedPairs  # noqa: E402
from core.scan.settings import DEFAULTS  # noqa: E402
from core.scan.unique_images import unique_images  # noqa: E402
from core.sharded_scan.cells import HOME_ROWS, present_and_home  # noqa: E402
from core.sharded_scan.job import FinishedJob  # noqa: E402
from core.sharded_scan.job_folder import JobFolder  # noqa: E402
from core.sharded_scan.job_report import job_report  # noqa: E402
from core.sharded_scan.job_table import job_table  # noqa: E402
from core.sharded_scan.manifest import (  # noqa: E402
    ROWS_A_SHARD,
    Manifest,
    read_manifest,
)
from core.sharded_scan.outputs import summary_of, write_outputs  # noqa: E402
from core.sharded_scan.searching import REACH  # noqa: E402
from core.sharded_scan.shard_records import shard_and_row  # noqa: E402

_NEIGHBORS, _PAIRS_A_ROW, _COPIES = 44, 2.7, 0.02
_LOST_ROWS, _LOST = 25, 4
"""One row in so many lacks its last neighbors, as at the edge of a cell."""

_CLASSES, _SPLITS = 10, ("train", "validation", "test")
_DISTINCT = ("digest", "picture_digest", "first_digest")
_ROWS_AT_ONCE = 100_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("rows", type=int)
    parser.add_argument("out", type=Path)
    parser.add_argument("--draw-turned", action="store_true")
    options = parser.parse_args()
    if options.draw_turned:
        copy_trial.turned_originals = no_pairs  # type: ignore[assignment]
        learn.turned_among = no_pairs  # type: ignore[assignment]
    rows = options.rows
    watch = Watch()
    embedder = load_embedder()
    store = Repeated(options.out)
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        write_manifest(scratch / "made.parquet", store.paths, rows)
        watch.end("")
        manifest = read_manifest(str(scratch / "made.parquet"))
        watch.end("read the manifest")
        joined = job_table(store, manifest.shards, said_by_shards(manifest))
        table, names = joined.table, joined.names
        samples = samples_of(table, names)
        watch.end("join the shards")
        images = unique_images(table)
        watch.end("unite equal images")
        print(f"{len(images):,} unique images", flush=True)
        data = learned(
            names,
            table,
            samples,
            images,
            embedder,
            Drawn(watch, scratch),
            before=PreviousScan(None, images, model_info(embedder)),
            clock=Told(watch),
            folder=scratch,
            settings=DEFAULTS,
        )
        data = with_fixed_judgment(data, DEFAULTS)
        watch.end("judge")
        findings = apply_thresholds(data, DEFAULTS, in_parts=True)
        is_copy = accepted_pairs(data, DEFAULTS, no_decisions(rows))
        watch.end("find")
        job = FinishedJob(names, data, DEFAULTS, findings, is_copy, {}, {}, [])
        folder = JobFolder(str(scratch / "out"))
        report = job_report(job, "made", [], "today")
        watch.end("gather the report")
        write_outputs(job, folder, summary_of(job, "made"), report)
        watch.end("write tables")


def no_pairs(*_: object, **__: object) -> np.ndarray:
    return np.zeros((0, 2), np.int32)


def write_manifest(file: Path, paths: list[str], rows: int) -> None:
    """Writes a manifest that names the pictures again and again."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = pa.schema([(name, pa.string()) for name in ("path", "split", "label")])
    rng = np.random.default_rng(0)
    with pq.ParquetWriter(file, schema) as writer:
        for start in range(0, rows, _ROWS_AT_ONCE):
            some = range(start, min(start + _ROWS_AT_ONCE, rows))
            splits = rng.integers(0, len(_SPLITS), len(some)).tolist()
            columns = [
                [f"{paths[row % len(paths)]}#{row}" for row in some],
                [_SPLITS[code] for code in splits],
                [str(row % len(paths) % _CLASSES) for row in some],
            ]
            writer.write_table(pa.table(columns, schema))


def said_by_shards(manifest: Manifest) -> Iterator[dict[str, np.ndarray]]:
    """Yields what the tasks that read shards would say."""
    first = 0
    for shard in manifest.shards:
        count = len(shard.locators)
        facts = FileFacts.unknown(count)
        facts.file_bytes[:], facts.modified[:] = 20_000, 1e9
        facts.inodes[:, 0], facts.inodes[:, 1] = 1, first + np.arange(count)
        yield {
            "record": np.arange(count),
            "failures": np.frombuffer(b"[]", np.uint8),
            **facts.to_arrays(),
        }
        first += count


class Repeated:
    """The records of a job, again and again, at the positions of a larger one."""

    def __init__(self, out: Path) -> None:
        import pyarrow.parquet as pq

        files = sorted((out / "work" / "records").glob("*.npy"))
        self._parts = [np.load(file, mmap_mode="r") for file in files]
        self._ends = np.cumsum([len(part) for part in self._parts])
        self.dtype = self._parts[0].dtype
        self._fields: dict[str, np.ndarray] = {}
        tables = [
            pq.read_table(out / "records" / f"{file.stem}.parquet", columns=["path"])
            for file in files
        ]
        self.paths = [path for one in tables for path in one["path"].to_pylist()]

    def read(self, positions: np.ndarray, field: str) -> np.ndarray:
        shards, rows = shard_and_row(positions)
        again, row = np.divmod(shards * ROWS_A_SHARD + rows, self._ends[-1])
        result = self._field(row, field)
        if field in _DISTINCT:
            # The last bytes say which time it is
            result[:, -4:] ^= again.astype("<u4").view(np.uint8).reshape(-1, 4)
        if field == "signature":
            # Half of it is of another picture each time
            other = (row + 7 * again + 1) % self._ends[-1]
            result = (result >> 1) + (self._field(other, field) >> 1)
        return result

    def _field(self, rows: np.ndarray, field: str) -> np.ndarray:
        of_field = self.dtype[field]
        result = np.empty((len(rows), *of_field.shape), of_field.base)
        part = np.searchsorted(self._ends, rows, side="right")
        for number in np.unique(part).tolist():
            records, some = self._parts[number], np.flatnonzero(part == number)
            first = self._ends[number] - len(records)
            result[some] = records[field][rows[some] - first]
        return result


@dataclass(frozen=True, eq=False)
class Drawn:
    """Heavy stages whose results are drawn."""

    watch: Watch
    scratch: Path

    def read_content(self, path: bytes) -> FileContent | ReadFailure:
        return read_file(path.rpartition(b"#")[0])

    def search(self, images: Any, *_: object) -> NeighborSearch:
        count = len(images)
        self.watch.end("find sequences")
        cells = -(-count // HOME_ROWS)
        rng = np.random.default_rng(0)
        home = rng.integers(0, cells, (count, 1), np.int32)
        near = (home + np.arange(REACH, dtype=np.int32)) % cells
        present = sum(len(one) for one, _ in present_and_home(near, cells))
        assert present == count * REACH
        del home, near
        self.watch.end("divide into cells")
        graphs = [self._graph(count) for _ in range(2)]
        self.watch.end("lists of neighbors")
        drawn = rng.integers(0, count, (int(_PAIRS_A_ROW * count), 2), np.int32)
        return NeighborSearch(ImageGraphs(*graphs, 4), distinct_pairs(drawn))

    def _graph(self, count: int) -> NeighborGraph:
        """Returns lists of who is near in number, as if some had not been found."""
        found = graph_in_files(self.scratch, count, _NEIGHBORS)
        steps = np.arange(1, _NEIGHBORS // 2 + 1)
        steps = np.stack([steps, -steps], axis=1).ravel()
        alike = (0.9 - 0.4 * np.abs(steps) / _NEIGHBORS).astype(np.float32)
        for start in range(0, count, _ROWS_AT_ONCE):
            rows = np.arange(start, min(start + _ROWS_AT_ONCE, count))
            found.indices[rows] = (rows[:, None] + steps) % count
            found.similarities[rows] = alike
            lacking = rows[rows % _LOST_ROWS == 0]
            found.indices[lacking, -_LOST:] = NO_NEIGHBOR
            found.similarities[lacking, -_LOST:] = -np.inf
        room = graph_in_files(self.scratch, count, _NEIGHBORS)
        return with_reverse_neighbors(found, room)

    def verify(self, images: object, pairs: np.ndarray) -> VerifiedPairs:
        count = len(pairs)
        copies = np.random.default_rng(count).random(count) < _COPIES
        score = np.where(copies, 0.99, 0.01).astype(np.float32)
        none = np.zeros(count, np.uint8)
        no = none.astype(bool)
        relation, promise = none.astype(np.int16), none.astype(np.float32)
        return VerifiedPairs(pairs, score, score, relation, none, no, promise, no)


class Watch:
    """Prints of each stage the CPU seconds, and the most memory that was held."""

    def __init__(self) -> None:
        self._most = 0.0
        self._began = time.process_time()
        threading.Thread(target=self._look, daemon=True).start()

    def _look(self) -> None:
        while True:
            self._most = max(self._most, own_megabytes())
            time.sleep(0.05)

    def end(self, name: str) -> None:
        seconds = time.process_time() - self._began
        if name:
            print(f"| {name} | {seconds:.1f} | {self._most / 1e3:.2f} |", flush=True)
        self._began, self._most = time.process_time(), own_megabytes()


class Told(StageClock):
    """A clock of stages that the watch is told of."""

    def __init__(self, watch: Watch) -> None:
        super().__init__()
        self._watch = watch

    def end(self, stage: str) -> None:
        super().end(stage)
        self._watch.end(stage)


if __name__ == "__main__":
    main()
