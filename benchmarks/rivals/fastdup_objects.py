"""Runs fastdup on boxes, in its own environment: python fastdup_objects.py WORK

WORK is a set of ``object_truth.py``. Twice are edges at a threshold; ``label_score``
is the share of an object's listed neighbors with its label, of objects with two or
more, as its gallery computes it.
"""

from __future__ import annotations

import os
import shutil
import sys
import time
from pathlib import Path

os.environ["SENTRY_OPT_OUT"] = "1"
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np  # noqa: E402
from object_scores import load, print_labels, print_pairs  # noqa: E402


def main(work: Path) -> None:
    import fastdup
    import pandas as pd

    objects = load(work)
    names = ("col_x", "row_y", "width", "height")
    rows = [
        {
            "filename": one["file"],
            **dict(zip(names, one["box"], strict=True)),
            "label": one["label"],
            "number": number,
        }
        for number, one in enumerate(objects)
    ]
    out = work / "fastdup-out"
    shutil.rmtree(out, ignore_errors=True)
    began = time.perf_counter()
    controller = fastdup.create(input_dir=str(work / "images"), work_dir=str(out))
    controller.run(annotations=pd.DataFrame(rows), data_type="bbox", num_threads=2)
    seconds = time.perf_counter() - began
    print(f"| fastdup {fastdup.__version__}: seconds | {seconds:.0f} |")
    given = controller.annotations(valid_only=False)
    number_of = dict(zip(given["index"], given["number"], strict=True))
    kept = int((given["is_valid"]).sum())
    print(f"| fastdup: boxes that it compares | {kept} of {len(objects)} |")
    found = controller.similarity(data=False)
    edges = [
        (number_of[a], number_of[b], similarity)
        for a, b, similarity in zip(
            found["from"], found["to"], found["distance"], strict=True
        )
    ]
    agreeing: dict[int, list[bool]] = {}
    for a, b, _ in edges:
        same = objects[a]["label"] == objects[b]["label"]
        agreeing.setdefault(a, []).append(same)
    score = np.full(len(objects), np.nan)
    for row, some in agreeing.items():
        if len(some) >= 2:
            score[row] = 100 * sum(some) / len(some)
    print_labels("fastdup", objects, score)
    for cut in (0.9, 0.96, 0.98, 0.99):
        pairs = [(a, b) for a, b, similarity in edges if similarity >= cut]
        print_pairs(f"fastdup: edges at {cut:g}", objects, pairs)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
