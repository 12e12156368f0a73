"""The heavy stages of a scan, carried out by the tasks of a job."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..common.pairs import distinct_pairs, used_in
from ..copy_detection import CANDIDATE_NEIGHBORS
from ..errors import CurationError
from ..findings.outliers import NEIGHBORS_NEEDED
from ..neighbors.graph_files import graph_in_files
from ..neighbors.incremental import SPARE_NEIGHBORS
from ..neighbors.knn_graph import NeighborGraph, exact_neighbors
from ..neighbors.reverse_neighbors import with_reverse_neighbors
from ..reading.files import ReadContent
from ..scan.candidate_search import NeighborSearch
from ..scan.closer_looks import show_little
from ..scan.pair_promise import care_for
from ..scan.scan_data import ImageGraphs, Pairs, VerifiedPairs
from ..scan.unique_images import DescribedImages
from ..scan.verified_pairs import Looks, joined, put_looks, to_look_at
from ..storage.record_store import StoredColumn, Vectors, equal_rows
from . import comparing, searching
from .cells import centers_of, present_and_home
from .job_folder import Arrays, JobFolder, packed
from .shard_records import ShardRecords
from .sources import read_source
from .tasks import Executor, Receipt, add_task, not_done, result_of

_ASKED_AT_ONCE = 5_000
_PAIRS_AT_ONCE = 20_000
_LOOKS_AT_ONCE = 1_000
_ASSIGNED_AT_ONCE = 20_000
"""Units a task: half a minute of a core, or less."""

_SAMPLED, _NEAREST = 200, 10
"""Pictures that the recall of the cells is measured on, and neighbors of each."""

Positions = NDArray[np.int64]
OnDone = Callable[[Receipt], None]
Announce = Callable[[str, int], OnDone]
"""Stage and its units of progress -> what is told of each task."""


class TasksFailedError(CurationError):
    """Tasks that could not be done."""


@dataclass(frozen=True, eq=False)
class ByShards:
    """The stages of :class:`core.scan.learn.HeavyStages`, by tasks.

    Attributes:
        folder: of the job
        executor: what runs the tasks
        settings: ``model``, ``machine`` and ``max_megapixels`` of the job
        positions: int64[i], of the images' records
        store: of the records
        locators: of the images
        announce: what is told of a stage's tasks
        neighbors: number to find for each; None for as many as findings ask for
        said: what the search says of itself, for the summary; filled in
    """

    folder: JobFolder
    executor: Executor
    settings: Mapping[str, Any]
    positions: Positions
    store: ShardRecords
    locators: Sequence[bytes]
    announce: Announce
    neighbors: int | None = None
    said: dict[str, Any] = field(default_factory=dict)
    read_content: ReadContent = read_source

    def search(
        self,
        images: DescribedImages,
        split_holds: NDArray[np.bool_],
        min_similarity: float,
    ) -> NeighborSearch:
        """Searches in cells, see
        :func:`~core.scan.candidate_search.search_neighbors`."""
        wanted = self.neighbors or NEIGHBORS_NEEDED
        most = max(wanted, CANDIDATE_NEIGHBORS)
        spare = SPARE_NEIGHBORS
        by_descriptors, candidates = self._graph(
            "copy", images.descriptors, most + spare, most, split_holds, min_similarity
        )
        if equal_rows(images.descriptors, images.features):
            return NeighborSearch(ImageGraphs(by_descriptors, None, spare), candidates)
        by_features, _ = self._graph(
            "features", images.features, wanted + spare, 0, split_holds, min_similarity
        )
        graphs = ImageGraphs(by_features, by_descriptors, spare)
        return NeighborSearch(graphs, candidates)

    def verify(self, images: DescribedImages, pairs: Pairs) -> VerifiedPairs:
        """Compares pairs, see :func:`~core.scan.verified_pairs.verify`."""
        verified = joined(
            *(
                VerifiedPairs(part, **found)
                for part, found in self._by_pairs(
                    comparing.WORK, pairs, _PAIRS_AT_ONCE, "Comparing pictures"
                )
            )
        )
        rows, start = to_look_at(verified, len(images)), 0
        laid, closer = [np.zeros(0, np.int64)], []
        seen = [np.zeros(0, bool)]
        care = care_for(verified.promise[rows], verified.score[rows])
        for part, found in self._by_pairs(
            comparing.LOOK,
            pairs[rows],
            _LOOKS_AT_ONCE,
            "Looking closer",
            {comparing.CARE: care},
        ):
            own = found.pop(comparing.LAID)
            seen.append(found.pop(comparing.SEEN))
            laid.append(start + own)
            closer.append(VerifiedPairs(part[own], **found))
            start += len(part)
        looks = Looks(np.concatenate(seen), np.concatenate(laid), joined(*closer))
        put_looks(verified, rows, looks, show_little(images.sizes, pairs[rows]))
        return verified

    def _by_pairs(
        self,
        work: str,
        pairs: Pairs,
        at_once: int,
        stage: str,
        columns: Mapping[str, NDArray[Any]] = MappingProxyType({}),
    ) -> Iterator[tuple[Pairs, dict[str, NDArray[Any]]]]:
        """Has tasks on pairs done; yields the pairs of each, and its result.

        Args:
            columns: what else the tasks are told of each pair
        """
        parts = [
            slice(start, start + at_once) for start in range(0, len(pairs), at_once)
        ]
        tasks = []
        for part in parts:
            used, ends = used_in(pairs[part])
            told = {
                "pairs": ends.astype(np.int32),
                **packed([self.locators[one] for one in used], "locators"),
                **{name: values[part] for name, values in columns.items()},
            }
            tasks.append(self._add(work, {}, used, told))
        results = self._results(work, tasks, stage, pairs)
        return zip((pairs[part] for part in parts), results, strict=True)

    def _graph(
        self,
        name: str,
        vectors: Vectors,
        k: int,
        candidates: int,
        split_holds: NDArray[np.bool_],
        min_similarity: float,
    ) -> tuple[NeighborGraph, Pairs]:
        count = len(vectors)
        centers = centers_of(vectors)
        asked: list[NDArray[np.int32]] = []
        tasks = []
        for present, home in present_and_home(
            self._cells(name, centers, count), len(centers)
        ):
            for start in range(0, len(home), _ASKED_AT_ONCE):
                rows = home[start : start + _ASKED_AT_ONCE]
                asked.append(present[rows])
                wanted = {
                    "field": name,
                    "neighbors": k,
                    "candidates": candidates,
                    "min_similarity": min_similarity,
                }
                arrays: Arrays = {
                    "images": present,
                    "asked": rows,
                    "split_holds": split_holds[:, present],
                }
                tasks.append(self._add(searching.SEARCH, wanted, present, arrays))
        graph = self._room(count, k)
        pairs = [np.zeros((0, 2), np.int32)]
        stage = "Searching similar images"
        results = self._results(searching.SEARCH, tasks, stage, range(count))
        for own, found in zip(asked, results, strict=True):
            graph.indices[own] = found["indices"]
            graph.similarities[own] = found["similarities"]
            pairs.append(found["pairs"])
        if len(centers) > 1:
            graph = with_reverse_neighbors(graph, self._room(count, k))
        said = _recall(vectors, graph, len(centers), min_similarity)
        if not candidates:
            del said["pair_recall"]
        self.said[name] = {"cells": len(centers), **said}
        return graph, distinct_pairs(*pairs)

    def _room(self, count: int, k: int) -> NeighborGraph:
        """Returns room for lists: in files, since a driver may have many."""
        return graph_in_files(self.folder.here / "work", count, k)

    def _cells(
        self, name: str, centers: NDArray[np.float32], count: int
    ) -> NDArray[np.int32]:
        """Returns int32[i, r], the cells that each image is present in."""
        if len(centers) == 1:
            return np.zeros((count, 1), np.int32)
        every = np.arange(count)
        tasks = [
            self._add(
                searching.ASSIGN,
                {"field": name},
                every[start : start + _ASSIGNED_AT_ONCE],
                {"centers": centers},
            )
            for start in range(0, count, _ASSIGNED_AT_ONCE)
        ]
        parts = self._results(searching.ASSIGN, tasks, "Dividing into cells", every)
        return np.concatenate([part["cells"] for part in parts])

    def _add(
        self,
        work: str,
        settings: Mapping[str, Any],
        images: NDArray[np.integer],
        arrays: Arrays,
    ) -> str:
        """Adds a task on some images, whose records it is told."""
        files, positions = self.store.part(self.positions[images])
        return add_task(
            self.folder,
            work,
            {**self.settings, **settings},
            {
                **packed([file.encode() for file in files], "files"),
                "positions": positions,
                **arrays,
            },
        )

    def _results(
        self, work: str, tasks: Sequence[str], stage: str, units: Any
    ) -> Iterator[dict[str, NDArray[Any]]]:
        """Has tasks done, and yields their results in order."""
        left = not_done(self.folder, work, tasks)
        on_done = self.announce(stage, len(units) * len(left) // max(len(tasks), 1))
        failures = self.executor.run(work, self.folder.address, left, on_done)
        if failures:
            task, why = next(iter(failures.items()))
            raise TasksFailedError(
                f"{len(failures):,} of {len(tasks):,} tasks of '{stage}' could not be "
                f"done, the first ({task}) because: {why}. What is done is kept: start "
                "the job again when that is mended."
            )
        return (result_of(self.folder, work, task) for task in tasks)


def _recall(
    vectors: Vectors, graph: NeighborGraph, cells: int, min_similarity: float
) -> dict[str, float]:
    """Measures what a search in cells finds: ``recall`` is the share of the ten
    nearest, ``pair_recall`` of those among them that may be copies."""
    if cells == 1:
        return {"recall": 1.0, "pair_recall": 1.0}
    count = len(vectors)
    rows = np.arange(min(_SAMPLED, count)) * count // min(_SAMPLED, count)
    true = exact_neighbors(vectors, rows, _NEAREST)
    near = true.indices
    hits = (near[:, :, None] == graph.indices[rows][:, None, :]).any(axis=2)
    # A pair is compared if either finds the other
    pairs = hits | (graph.indices[near] == rows[:, None, None]).any(axis=2)
    alike = true.similarities >= min_similarity
    share = float(pairs[alike].mean()) if alike.any() else 1.0
    return {"recall": round(float(hits.mean()), 4), "pair_recall": round(share, 4)}


def positions_of(images: DescribedImages) -> Positions:
    """Returns int64[i], where the records of images are that a job described."""
    column = images.signatures
    assert isinstance(column, StoredColumn)
    return column.positions
