"""Times the panel on large data sets: python benchmarks/panel.py FOLDER [SIZE ...]

Makes 200 small pictures in FOLDER and data sets of SIZE samples that share them
(25,000 and 1,000,000), with Winnow's fields as a scan of labeled images in
three splits leaves them; writes those fields as a scan does; sends the panel's
events as the App does; and writes benchmarks/panel.md. FiftyOne's database is
the one that your environment names; the data sets are deleted afterwards, or
kept for the next time with KEEP=1.
"""

import importlib
import json
import os
import platform
import sys
import time
from datetime import datetime, timezone
from pathlib import Path
from types import SimpleNamespace

import fiftyone as fo
import fiftyone.operators as foo
import numpy as np
from bson import ObjectId
from fiftyone.operators.executor import ExecutionContext, Executor
from measuring import peak_megabytes
from PIL import Image

SIZES = (25_000, 1_000_000)
PICTURES = 200
SPLITS, CLASSES = ("train", "valid", "test"), [f"class {n:02d}" for n in range(40)]
TIMES = 3
PANEL = "@winnow/curate/winnow"
TABLE = Path(__file__).with_name("panel.md")
ADAPTER = "fiftyone.plugins.orgs.winnow.curate.operators.adapter."


def main(folder, *sizes):
    foo.list_operators()
    paths = pictures(Path(folder).resolve() / "winnow-pictures")
    columns = {}
    for size in map(int, sizes or SIZES):
        name = f"winnow-panel-{size}"
        if fo.dataset_exists(name):
            dataset = fo.load_dataset(name)
        else:
            dataset, seconds = make(name, size, paths)
            dataset.info["bench"] = seconds
            dataset.save()
        columns[size] = {**dataset.info["bench"], **events(dataset)}
        if not os.environ.get("KEEP"):
            dataset.delete()
    text = table(columns)
    TABLE.write_text(text)
    print(text)


def pictures(folder):
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    for number in range(PICTURES):
        coarse = rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)
        picture = Image.fromarray(coarse).resize((160, 120), Image.Resampling.BICUBIC)
        picture.save(folder / f"{number:03d}.jpg")
    return sorted(map(str, folder.iterdir()))


def make(name, size, paths):
    """Returns a data set with a finished run, and what making it took."""
    started = time.perf_counter()
    dataset = fo.Dataset(name, persistent=True)
    first = fo.Sample(paths[0], ground_truth=fo.Classification(label=CLASSES[0]))
    dataset.add_sample(first)
    collection = dataset._sample_collection
    shape = collection.find_one()
    collection.delete_one({"_id": shape.pop("_id")})
    rng = np.random.default_rng(1)
    split = rng.choice(len(SPLITS), size, p=[0.8, 0.1, 0.1])
    label = rng.integers(0, len(CLASSES), size)
    for start in range(0, size, 20_000):
        documents = []
        for row in range(start, min(start + 20_000, size)):
            truth = {
                **shape["ground_truth"],
                "_id": ObjectId(),
                "label": CLASSES[label[row]],
            }
            documents.append(
                {
                    **shape,
                    "filepath": paths[row % len(paths)],
                    "tags": [SPLITS[split[row]]],
                    "ground_truth": truth,
                }
            )
        collection.insert_many(documents)
    loaded = time.perf_counter() - started
    before = peak_megabytes()
    ids = [str(row["_id"]) for row in collection.find({}, ["_id"]).sort("_id", 1)]
    columns = findings(size, split, label, rng)
    held = peak_megabytes()
    started = time.perf_counter()
    publish(dataset, ids, columns)
    return dataset, {
        "load the samples (insert_many)": loaded,
        "write the fields and the record": time.perf_counter() - started,
        "memory, MB: before": before,
        "memory, MB: with the findings": held,
        "memory, MB: peak while writing": peak_megabytes(),
    }


def findings(size, split, label, rng):
    """Returns values of all fields, about as frequent as in real data sets."""
    rows = np.arange(size)
    # A tenth in clusters of two to five, a few of hundreds
    in_cluster = rows < size // 10
    cluster = np.cumsum(rng.random(size) < 0.35)
    cluster[rng.random(size) < 0.01] = 0
    _, cluster = np.unique(np.where(in_cluster, cluster, -1), return_inverse=True)
    first = np.zeros(size, bool)
    first[np.unique(cluster, return_index=True)[1]] = True
    distance = rng.gamma(4, 0.06, size)
    score = 100 * rng.beta(6, 1, size)
    wrong = score < 40
    other = (label + rng.integers(1, len(CLASSES), size)) % len(CLASSES)
    leak = in_cluster & (rng.random(size) < 0.2)
    issue = rng.random(size)
    near = rng.integers(0, size, (3, size))
    conflict = rng.random(cluster.max() + 1) < 0.05

    def spread(condition, values):
        return [v if c else None for c, v in zip(condition, values, strict=True)]

    names = [CLASSES[code] for code in other]
    return {
        "dup_cluster": spread(in_cluster, (cluster - 1).tolist()),
        "dup_kind": spread(in_cluster & ~first, rng.choice(["near", "bytes"], size)),
        "dup_relation": [None] * size,
        "dup_similarity": spread(in_cluster, (1 - rng.random(size) / 5).tolist()),
        "dup_keeper": spread(in_cluster, first.tolist()),
        "keeper_reason": spread(in_cluster & first, ["first path"] * size),
        "dup_conflict": spread(in_cluster, conflict[cluster].tolist()),
        "outlier_distance": distance.tolist(),
        "outlier": (distance > 0.7).tolist(),
        "outlier_cause": spread(distance > 0.7, ["off-topic"] * size),
        "outlier_nearest": near[0].tolist(),
        "label_score": score.tolist(),
        "label_suggestion": spread(wrong, names),
        "label_issue": wrong.tolist(),
        "label_support": near[1].tolist(),
        "label_counterexample": near[2].tolist(),
        "leak": leak.tolist(),
        "leak_splits": [
            [SPLITS[own - 1]] if here else []
            for here, own in zip(leak, split, strict=True)
        ],
        "leak_conflict": [False] * size,
        "leak_remove": (leak & (split == 0)).tolist(),
        "leak_remove_reason": [None] * size,
        "image_issues": [
            ["dark"] if x < 0.02 else ["blurry"] if x > 0.97 else [] for x in issue
        ],
        "scan_status": ["truncated" if 0.5 < x < 0.5002 else "ok" for x in issue],
    }


def publish(dataset, ids, columns):
    """Writes the fields and the run's record as a scan does."""
    results, fields = (
        importlib.import_module(ADAPTER + n)
        for n in ("runs.publish", "runs.run_record")
    )
    core = ADAPTER.replace("operators.adapter.", "core.")
    found = importlib.import_module(core + "findings.schema")
    counts = count(columns)
    matrix = {"bytes": {name: dict.fromkeys(SPLITS, 0) for name in SPLITS}}
    report = found.Findings(
        columns=columns,
        counts=counts,
        leak_matrix=matrix,
        scene_matrix={},
        leaks_by_class=[],
        overview={},
        thresholds={"max_outlier_distance": 0.7, "min_label_score": 40.0},
        rules={},
        conflicts=(),
        expected={},
    )
    model = SimpleNamespace(name="none", sha256="")
    scan_data = SimpleNamespace(model=model, samples=SimpleNamespace(unreadable=[]))
    settings = {"label_field": "ground_truth", "split_by": list(SPLITS), "prefix": None}
    settings |= {"max_outlier_distance": 0.7, "min_label_score": 40.0, "model": None}
    settings |= {"min_copy_score": 0.6, "min_copy_similarity": None}
    results.publish(
        dataset,
        ids,
        report,
        scan_data,
        # There is no file of this name: an event that opens it fails
        Path(f"{dataset.name}.npz"),
        prefix=None,
        scanned_at=fields.now(),
        settings=settings,
        seconds={},
        on_progress=lambda progress: None,
    )


def count(columns):
    some = {name: sum(map(bool, values)) for name, values in columns.items()}
    return {
        "images": len(columns["leak"]),
        "duplicates": len(columns["leak"]) - columns["dup_cluster"].count(None),
        "duplicate_clusters": some["dup_keeper"],
        "removable_bytes": 0,
        "leaks": some["leak"],
    }


def events(dataset):
    """Returns the seconds of each event: the first one, and the median after it."""
    state = {}

    def send(method, **params):
        executor = Executor()
        request = {
            "dataset_name": dataset.name,
            "params": {
                "panel_id": "p",
                "panel_state": dict(state),
                "__method__": method,
                **params,
            },
        }
        started = time.perf_counter()
        ctx = ExecutionContext(
            request_params=request, executor=executor, operator_uri=PANEL
        )
        foo.get_operator(PANEL).execute(ctx)
        seconds = time.perf_counter() - started
        state.clear()
        state.update(ctx.panel_state)
        sent = json.dumps([r.to_json() for r in executor._requests], default=str)
        largest[0] = max(largest[0], len(sent))
        assert (
            "problem"
            not in json.loads(sent)[-1]["params"]["output"]["type"]["properties"]
        )
        return seconds

    largest = [0]
    found = {"open the panel, first time": send("on_load")}
    found["open the panel, again"] = median(lambda: send("on_load"))
    scene = importlib.import_module(ADAPTER.replace("adapter.", "panel.state"))
    for tab, label in scene.TABS.items():
        found[f"{label}, first time"] = send("choose_tab", tab=tab)
        found[f"{label}, again"] = median(lambda tab=tab: send("choose_tab", tab=tab))
        if tab == "duplicates":
            found["next page of clusters"] = median(lambda: send("page", start=6))
            found["page 1,000 of clusters"] = median(lambda: send("page", start=6_000))
            found["show duplicates in the grid"] = median(
                lambda: send("show", what="duplicates")
            )
        if tab == "outliers":
            found["next page of outliers"] = median(lambda: send("page", start=8))
            found["move the outlier threshold"] = median(
                *(
                    lambda limit=limit: send("move_outlier_distance", value=limit)
                    for limit in (0.5, 0.55, 0.6)
                )
            )
        if tab == "labels":
            found["move the label threshold"] = median(
                *(
                    lambda score=score: send("move_label_score", value=score)
                    for score in (10, 20, 30)
                )
            )
            found["open a class pair"] = median(lambda: send("choose_pair", row=0))
        if tab == "leaks":
            found["open a pair of splits"] = median(
                lambda: send("choose_leak", one="train", other="test")
            )
    found["largest answer to the browser, kB"] = largest[0] / 1000
    return found


def median(*events):
    """Returns the median of one event sent often, or of several sent once."""
    events = events * TIMES if len(events) == 1 else events
    return float(np.median([event() for event in events]))


def table(columns):
    sizes = list(columns)
    lines = [
        "# How quick the panel is",
        "",
        f"`python benchmarks/panel.py FOLDER`, {datetime.now(timezone.utc):%Y-%m-%d}, "
        f"FiftyOne {fo.__version__}, Python {platform.python_version()}, "
        f"{os.cpu_count()} cores, {platform.system()}. Samples that share "
        f"{PICTURES} pictures, with the fields of a scan of labeled images in three "
        "splits; events as the App sends them, without a browser, each with all that "
        f"it draws. *Again* is the median of {TIMES}.",
        "",
        f"| seconds | {' | '.join(f'{size:,} samples' for size in sizes)} |",
        "| :-- |" + " --: |" * len(sizes),
    ]
    for name in columns[sizes[-1]]:
        cells = [columns[size].get(name, float("nan")) for size in sizes]
        digits = 0 if "MB" in name or "kB" in name else 2
        lines.append(f"| {name} | {' | '.join(f'{c:,.{digits}f}' for c in cells)} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main(*sys.argv[1:])
