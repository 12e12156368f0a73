"""The manifest command: what it says before any work, and what it leaves."""

import importlib
import json
import os
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from core.findings.schema import FIELDS

CLI = Path(__file__).parents[3] / "cli"


@pytest.fixture
def command(monkeypatch, tmp_path):
    """Runs the command in this process: returns its exit code."""
    monkeypatch.syspath_prepend(str(CLI))
    scan_manifest = importlib.import_module("scan_manifest")

    def run(*arguments, **environment):
        for name in ("MANIFEST", "OUT", "ENGINE", "RAY_ADDRESS", "MODEL", "FAIL_ON"):
            monkeypatch.delenv(name, raising=False)
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(sys, "argv", ["scan_manifest.py", *map(str, arguments)])
        return scan_manifest.main()

    return run


@pytest.fixture
def listed(tmp_path, draw):
    """Fourteen pictures in a CSV file: one twice across splits, one no picture."""
    lines = ["path,split,label"]
    for number in range(12):
        draw(number).save(tmp_path / f"{number}.png")
        lines.append(f"{number}.png,{'train' if number % 3 else 'test'},ab")
    (tmp_path / "again.png").write_bytes((tmp_path / "1.png").read_bytes())
    (tmp_path / "text.jpg").write_text("no picture")
    lines += ["again.png,test,other", "text.jpg,train,ab"]
    (tmp_path / "m.csv").write_text("\n".join(lines))
    return tmp_path / "m.csv"


@pytest.mark.parametrize(
    "options, says",
    [
        (["--engine", "spark"], "no engine 'spark'. Use ENGINE=threads"),
        (["--engine", "threads", "--ray-address", "auto"], "Leave one of them out"),
        (["--fail-on", "everything"], "everything"),
        (["--max-megapixels", "many"], "max_megapixels must be a number"),
        (["--model", "resnet"], "There is no model 'resnet'"),
        (["--out", "s3://bucket/out"], "s3fs"),
        (["--out", "{file}/out"], "cannot be written"),
    ],
)
def test_what_cannot_work_is_said_before_any_work(
    command, listed, capsys, options, says
):
    out = listed.parent / "out"
    options = [one.format(file=listed) for one in options]

    assert command(listed, "--out", out, *options) == 2

    assert says in capsys.readouterr().err
    assert not (out / "work").exists()


def test_without_ray_it_is_said_how_to_get_it(command, listed, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    out = listed.parent / "out"

    assert command(listed, "--out", out, "--engine", "ray") == 2

    says = capsys.readouterr().err
    assert "ENGINE=ray needs Ray, which is not installed" in says
    assert "requirements-ray.txt, or use ENGINE=threads" in says
    assert not (out / "work").exists()


def test_without_a_manifest_there_is_nothing_to_do(command, capsys, tmp_path):
    assert command("--out", tmp_path) == 2
    assert "MANIFEST=" in capsys.readouterr().err
    assert command(MANIFEST=str(tmp_path / "gone.csv"), OUT=str(tmp_path)) == 2
    assert "cannot be read (No such file" in capsys.readouterr().err


@pytest.mark.slow
def test_a_job_leaves_tables_a_summary_and_a_page(command, listed, capsys):
    out = listed.parent / "out"

    assert command(MANIFEST=str(listed), OUT=str(out), FAIL_ON="leaks") == 1

    said = capsys.readouterr()
    assert "14 images, 1 shards" in said.out
    assert "FAIL_ON: leaks" in said.err
    summary = json.loads((out / "summary.json").read_text())
    findings = pq.read_table(out / summary["findings"][0]).to_pylist()
    assert [row["path"] for row in findings][-2:] == [
        str(listed.parent / "again.png"),
        str(listed.parent / "text.jpg"),
    ]
    assert set(findings[0]) == {"path", "split", "label", *(one.name for one in FIELDS)}
    assert findings[0]["outlier_nearest"] in {row["path"] for row in findings}
    (cluster,) = pq.read_table(out / "clusters.parquet").to_pylist()
    assert cluster["size"] == 2
    assert cluster["splits"] == ["test", "train"]
    assert cluster["labels"] == ["ab", "other"]
    assert cluster["keeper"] in (str(listed.parent / "1.png"), findings[-2]["path"])
    (bad,) = pq.read_table(out / "unreadable.parquet").to_pylist()
    assert (os.path.basename(bad["path"]), bad["status"]) == ("text.jpg", "unsupported")
    (records,) = (out / "records").iterdir()
    table = pq.read_table(records)
    assert table.num_rows == 13
    assert len(table["copy"][0]) == 256
    assert summary["counts"]["leaks"] == 2
    assert summary["search"] == {
        "copy": {"cells": 1, "recall": 1.0, "pair_recall": 1.0},
        "features": {"cells": 1, "recall": 1.0},
    }
    assert "again.png" in (out / "report.html").read_text()
    assert "data:image/jpeg" in (out / "report.html").read_text()


@pytest.mark.slow
def test_out_may_be_a_url(command, listed):
    import fsspec

    assert command(listed, "--out", "memory://jobs/one") == 0

    memory = fsspec.filesystem("memory")
    summary = json.loads(memory.cat_file("/jobs/one/summary.json"))
    assert summary["counts"]["images"] == 14
    assert memory.exists("/jobs/one/" + summary["findings"][0])
