"""A child process for test_windows: what a person does there, and what is refused.

python tests/windows.py on_windows.py IMAGES SCRATCH
"""

import contextlib
import importlib
import sys
import warnings
from pathlib import Path

import fiftyone as fo
import fiftyone.operators as foo
from fiftyone.operators.executor import ExecutionContext, Executor

PLUGIN = "fiftyone.plugins.orgs.winnow.curate"
ROOT = Path(__file__).resolve().parents[2]
images, scratch = map(Path, sys.argv[1:])


def operator(name):
    return foo.get_operator(f"@winnow/curate/{name}")


def says(name, *arguments, **more):
    """Returns what an operator refuses with."""
    try:
        return f"was not refused: {operator(name)(*arguments, **more)}"
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def draw(tab):
    """Returns what a tab of the panel asks of the App."""
    executor = Executor()
    params = {
        "panel_id": "p",
        "panel_state": {},
        "__method__": "choose_tab",
        "tab": tab,
    }
    request = {"dataset_name": dataset.name, "view": [], "params": params}
    panel = "@winnow/curate/winnow"
    ctx = ExecutionContext(request, executor=executor, operator_uri=panel)
    foo.get_operator(panel).execute(ctx)
    return str([one.params for one in executor._requests])


def modules():
    for part in ("core", "operators"):
        for path in sorted((ROOT / part).rglob("*.py")):
            names = path.relative_to(ROOT).with_suffix("").parts
            yield ".".join(names[:-1] if names[-1] == "__init__" else names)


foo.list_operators()
for module in modules():
    # A script for a person's own Python, where the files lie
    if module != "core.actions.restore":
        importlib.import_module(f"{PLUGIN}.{module}")
print("imported")

dataset = fo.Dataset()
dataset.add_samples(
    fo.Sample(
        filepath=str(path),
        ground_truth=fo.Classification(label=path.parent.name),
        tags=[path.parent.parent.name],
    )
    for path in sorted(images.rglob("*.png"))
)
report = operator("scan")(
    dataset, label_field="ground_truth", split_by=["train", "test"]
)
print("peak", report.peak_memory_bytes > 2**20)
operator("set_thresholds")(dataset, min_copy_score=0.4)
again = operator("scan")(
    dataset, label_field="ground_truth", split_by=["train", "test"]
)
print("same counts", again.counts == report.counts)
copies = operator("show")(dataset, "duplicates")
print("copies", len(copies))
print("tagged", operator("tag")(dataset, "leaks", "look").count)
operator("decide")(copies[:1], "keep")
operator("report")(dataset, scratch / "report")
operator("report")(dataset, scratch / "report", overwrite=True)
with (scratch / "report" / "report.html").open("rb"):
    print("open:", says("report", dataset, scratch / "report", overwrite=True))
exported = operator("export")(dataset, str(scratch / "clean"))
print("exported", len(list((scratch / "clean").rglob("*.png"))) == exported.count > 50)
print("audit", operator("audit")(dataset, "leaks <= 100 %").passed)
operator("compare")(str(images), dataset, output_dir=str(scratch / "compared"))
operator("to_fastdup")(dataset, str(scratch / "fastdup"))
for tab in "overview duplicates outliers labels leaks bad_files actions".split():
    print("tab", tab, len(draw(tab)) > 500)
print("panel:", "do that on Linux or macOS" in draw("actions"))

print(says("quarantine", dataset, what="duplicates"))
print(says("move", dataset, what="duplicates", output_dir=str(scratch / "moved")))
print(says("retag", dataset, what="label_issues"))
print(says("merge", dataset))
print(says("undo", dataset))
print(says("purge", dataset))
print(says("quarantine", dataset, plan_id="0123456789ab", dry_run=False))

probe = importlib.import_module(f"{PLUGIN}.core.models.onnx_probe")
probe._limit_memory()
with warnings.catch_warnings(), contextlib.suppress(EncodingWarning):
    # The rule that text has an encoding is on, and this file is under it
    Path(__file__).read_text()
    print("an encoding was not missed")
dataset.delete()
