"""Every finding of the registry is counted, shown, summarized and reported."""

import importlib
import json
from importlib import resources

import fiftyone as fo
import fiftyone.operators as foo
import pytest
from PIL import Image

PLUGIN = "fiftyone.plugins.orgs.winnow.curate"


def module(name):
    return importlib.import_module(f"{PLUGIN}.{name}")


def operator(name):
    return foo.get_operator(f"@winnow/curate/{name}")


@pytest.fixture(scope="module")
def scanned(tmp_path_factory, draw):
    """A scan with an image of every finding: its data set and its report."""
    root = tmp_path_factory.mktemp("set")
    samples = []
    for number in range(24):
        path = root / f"{number:02d}.png"
        draw(number % 20).save(path, compress_level=1 + number // 20)
        # 20 to 23 are copies of 0 to 3, of another label, in another split
        label = fo.Classification(label="ab"[(number // 20 + number) % 2])
        tags = ["test" if number >= 18 else "train"]
        model = fo.Classification(label="ab"[number % 2], confidence=0.6 + number / 99)
        samples.append(fo.Sample(str(path), ground_truth=label, model=model, tags=tags))
    Image.new("RGB", (64, 64), (2, 2, 2)).save(root / "05.png")
    # Two views of one scene, in two splits
    with (resources.files("skimage.data") / "coffee.png").open("rb") as file:
        photo = Image.open(file).convert("RGB")
    for name, left, top in (("08", 100, 60), ("19", 112, 64)):
        photo.crop((left, top, left + 256, top + 256)).save(root / f"{name}.png")
    (root / "06.png").write_bytes(b"no image")
    (root / "07.png").write_bytes(b"")
    dataset = fo.Dataset()
    dataset.add_samples(samples)
    report = operator("scan")(
        dataset,
        label_field="ground_truth",
        split_by=["train", "test"],
        predictions="model",
        min_label_score=100,
        max_outlier_distance=0.1,
        progress=False,
    )
    yield dataset, report
    dataset.delete()


OF_RECORDINGS = ("sequences", "sequence_leaks", "bursts")


def findings():
    return module("core.findings.registry").FINDINGS


def test_each_finding_has_as_many_images_as_are_counted(scanned):
    dataset, report = scanned
    views = module("operators.adapter.views.finding_views")
    run = module("operators.adapter.runs.run_record").complete_run(dataset, None)
    counts = views.tally(dataset, run, None).counts

    for name, finding in findings().items():
        # Of recordings there is none here: tests/integration/test_sequences.py has some
        assert counts[name] > 0 or name in OF_RECORDINGS, name
        images = views.found_view(dataset, name)
        if finding.unit == "clusters":
            assert counts[name] == len(images.distinct("dup_cluster")), name
        else:
            assert counts[name] == len(images), name
        if finding.has_line:
            also = [f.name for f in findings().values() if f.counted_with == name]
            both = counts[name] + sum(counts[one] for one in also)
            assert report.counts[name] == both, name


def test_each_finding_has_a_line_in_the_summary_and_a_section(scanned, tmp_path):
    dataset, report = scanned
    written = operator("report")(dataset, tmp_path / "out", progress=False)
    sections = json.loads(written.json.read_text())["sections"]

    for name, finding in findings().items():
        # What is covered by another finding is shown where that one is
        assert finding.section in sections, name
        if finding.has_line:
            assert f"\n  {finding.label} " in str(report), name
            assert f"\n| {finding.label} |" in report.to_markdown(), name
            # What only differs from most is no bad image, and counted apart
            counted = "bad_images" if name == "image_issues" else name
            assert sections[finding.section]["count"] == report.counts[counted], name


def test_a_new_finding_needs_one_entry(scanned, tmp_path, monkeypatch):
    dataset, _ = scanned
    registry = module("core.findings.registry")
    new = module("core.findings.finding").Finding(
        name="keepers",
        label="Keepers",
        description="copies to keep",
        note="the copy to keep",
        color="#000000",
        section="keepers",
        tab="duplicates",
        flag="dup_keeper",
    )
    monkeypatch.setattr(registry, "FINDINGS", {**registry.FINDINGS, "keepers": new})
    for user in (
        "core.scan.counts",
        "operators.adapter.views.finding_views",
        "operators.adapter.runs.finding_lines",
        "operators.adapter.report.write",
    ):
        monkeypatch.setattr(module(user), "FINDINGS", registry.FINDINGS)

    report = operator("set_thresholds")(dataset, progress=False)

    assert report.counts["keepers"] == report.counts["duplicate_clusters"]
    assert "\n  Keepers  " in str(report)
    assert len(operator("show")(dataset, "keepers")) == report.counts["keepers"]
    written = operator("report")(dataset, tmp_path / "out", progress=False)
    section = json.loads(written.json.read_text())["sections"]["keepers"]
    pairs = section["galleries"]["keepers"]["pairs"]
    assert len(pairs) == report.counts["keepers"]
    assert 'id="keepers"' in written.html.read_text()
