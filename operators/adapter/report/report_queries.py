"""The pictures of a report: the first few of each finding, one a cluster."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fiftyone as fo

from ....core.findings.finding import Finding
from ....core.reading.folders import common_folder, path_inside
from ....core.reading.thumbnails import thumbnail
from ....core.report.model import Cell, Pair, Picture, Section
from ....core.scan.scan_data import UnreadableFile
from ..runs.paths import thumbnails_folder
from ..runs.scan_report import ScanReport
from ..views import queries
from ..views.finding_views import aggregate
from ..views.queries import SampleQueries

Filter = Mapping[str, Any]

_SIDE = 320
"""Pixels, of a picture: twice what the page shows, as it can be enlarged there. A
photograph has 18 kB then."""


@dataclass(frozen=True)
class Shown:
    """What a report may show of a run.

    Attributes:
        reader: of the run
        root: folder that holds all images
        top: most pairs a gallery
        not_held: files that could not become samples: path, status and reason
    """

    reader: SampleQueries
    root: str
    top: int
    not_held: Sequence[UnreadableFile] = ()

    def field(self, name: str) -> str:
        """Returns the stored name of a field of the run."""
        return self.reader.field(name)

    def relative(self, path: str) -> str:
        """Returns a path as the report names it."""
        return path_inside(path, self.root)

    def picture(self, found: queries.Picture) -> Picture:
        """Returns the picture with what is shown of it, small."""
        path = str(found.values["filepath"])
        folder = thumbnails_folder()
        # A video has the strip alone that was drawn when it was scanned
        small = thumbnail(path, folder, _SIDE) or thumbnail(path, folder)
        return Picture(
            path=self.relative(path),
            label=found.label,
            split=found.split,
            jpeg=small.read_bytes() if small else None,
        )

    def pair(
        self,
        source: queries.Picture,
        target: queries.Picture | None,
        similarity: float | None,
        says: Iterable[str],
        metadata: Mapping[str, Cell],
    ) -> Pair:
        """Returns two pictures beside each other; see :class:`Pair`."""
        return Pair(
            self.picture(source),
            self.picture(target) if target else None,
            similarity,
            tuple(says),
            metadata,
        )

    def one_a_cluster(
        self, match: Filter, fields: Sequence[str], sort: Mapping[str, int]
    ) -> list[queries.Picture]:
        """Returns the first image of each cluster that a filter lets through.

        Args:
            match: on stored names
            fields: of the run, by their plain names; the sort's have to be among
                them
            sort: plain name -> 1 or -1, of the images and so of the clusters;
                ``size`` is the number of the cluster's images that match

        Returns:
            as many as a gallery has; their ``size`` is among their values
        """
        cluster = self.field("dup_cluster")
        inside = {self.field(name): way for name, way in sort.items() if name != "size"}
        row = {"_id": "$_id", **self.reader.projection(fields)}
        first = {"sortBy": {**inside, "_id": 1}, "output": row}
        order = {
            "size" if name == "size" else f"row.{name}": way
            for name, way in sort.items()
        }
        found = aggregate(
            self.reader.dataset,
            [
                {"$match": {cluster: {"$ne": None}, **match}},
                {
                    "$group": {
                        "_id": f"${cluster}",
                        "row": {"$top": first},
                        "size": {"$sum": 1},
                    }
                },
                {"$sort": {**order, "_id": 1}},
                {"$limit": self.top},
            ],
        )
        return [
            self.reader.picture({**one["row"], "size": one["size"]}, (*fields, "size"))
            for one in found
        ]

    def count_kinds(self, match: Filter, by: Any) -> int:
        """Returns how many values an expression has where a filter lets through."""
        steps: list[dict[str, Any]] = [{"$match": dict(match)}, {"$group": {"_id": by}}]
        found = aggregate(self.reader.dataset, [*steps, {"$count": "kinds"}])
        return int(found[0]["kinds"]) if found else 0

    def count_clusters(self, match: Filter) -> int:
        """Returns how many clusters have an image that a filter lets through."""
        cluster = self.field("dup_cluster")
        return self.count_kinds({cluster: {"$ne": None}, **match}, f"${cluster}")

    def members(
        self, clusters: Sequence[int], fields: Sequence[str], by: Any
    ) -> dict[int, list[dict[str, Any]]]:
        """Returns the first image of each kind in each cluster.

        Args:
            clusters: their numbers
            fields: of the run, by their plain names, with ``dup_keeper`` and
                ``dup_similarity``
            by: an expression of MongoDB: what kind an image is of

        Returns:
            by cluster, keepers first, then the most similar: what
            :meth:`SampleQueries.picture` makes a picture of
        """
        cluster = self.field("dup_cluster")
        best = {self.field(name): way for name, way in _BEST.items()}
        row = {"_id": "$_id", **self.reader.projection(fields)}
        found = aggregate(
            self.reader.dataset,
            [
                {"$match": {cluster: {"$in": list(clusters)}}},
                {
                    "$group": {
                        "_id": {"cluster": f"${cluster}", "by": by},
                        "row": {"$top": {"sortBy": best, "output": row}},
                    }
                },
                {"$sort": {f"row.{name}": way for name, way in _BEST.items()}},
                {
                    "$group": {
                        "_id": "$_id.cluster",
                        "rows": {"$firstN": {"input": "$row", "n": _MOST_KINDS}},
                    }
                },
            ],
        )
        return {one["_id"]: one["rows"] for one in found}


_BEST = {"dup_keeper": -1, "dup_similarity": -1, "_id": 1}
_MOST_KINDS = 20
"""Of a cluster: as many as there may be splits. A cluster of blank pictures may
carry a thousand labels."""


def not_looked_for(
    key: str, title: str, report: ScanReport, finding: Finding
) -> Section:
    """Returns the section of a finding that the run could not look for."""
    why = report.not_looked_for.get(finding.words, "the labels are gone")
    return Section(key, title, None, (f"Not looked for: {why}.",))


def words_of(name: str) -> str:
    """Returns a name as words."""
    return name.replace("_", " ")


def folder_of(dataset: fo.Dataset) -> str:
    """Returns the folder that holds all images that are not in quarantine.

    It is the one that the data set names as its root, or their common one: the
    first and the last path in their order have in common what all have.
    """
    ends = {"low": {"$min": "$filepath"}, "high": {"$max": "$filepath"}}
    found = aggregate(dataset, [{"$group": {"_id": None, **ends}}])
    if not found:
        return "/"
    ends_in = [str(Path(found[0][end]).parent) for end in ends]
    common = common_folder(ends_in)
    root = dataset.info.get("root")
    inside = bool(root) and Path(common).is_relative_to(root)
    return str(root) if inside else common
