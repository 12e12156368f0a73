"""docs/clean-a-data-set.ipynb runs from its first cell to its last."""

import json
import re

from tests.pages import ROOT, inside

NOTEBOOK = json.loads((ROOT / "docs" / "clean-a-data-set.ipynb").read_text())
CELLS = [cell for cell in NOTEBOOK["cells"] if cell["cell_type"] == "code"]


def test_the_notebook_runs_from_top_to_bottom(capsys, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    names = {}

    # Jupyter runs a notebook in its own folder
    with inside(ROOT / "docs"):
        for cell in CELLS:
            exec("".join(cell["source"]), names)

    printed = capsys.readouterr().out
    assert re.search(r"label_issues +13\n", printed)
    assert "28 images were put into quarantine" in printed
    assert "passed  no leaks: 0 of 325 images" in printed
    assert "Restored 28 images" in printed
    assert names["written"].html.stat().st_size > 100_000
    assert len(names["show"](names["dataset"], "duplicates")) == 56
    assert len(names["show"](names["dataset"], "label_issues")) == 11
    names["dataset"].delete()


def test_the_notebook_is_kept_without_outputs():
    assert [cell for cell in CELLS if cell["outputs"] or cell["execution_count"]] == []
    assert NOTEBOOK["nbformat"] == 4 and len(CELLS) > 8
    assert len({cell["id"] for cell in NOTEBOOK["cells"]}) == len(NOTEBOOK["cells"])
