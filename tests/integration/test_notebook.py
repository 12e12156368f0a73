"""docs/clean-a-data-set.ipynb runs, and shows what a run of it shows.

``DOCS=1`` puts the outputs of this run into the notebook.
"""

import json
import os
import re

from tests.notebook import code_cells, run_cells, text_of, with_outputs, write
from tests.pages import ROOT, inside

PATH = ROOT / "docs" / "clean-a-data-set.ipynb"
NOTEBOOK = json.loads(PATH.read_text(encoding="utf-8"))
CELLS = code_cells(NOTEBOOK)
# Times, sizes, ids and counts differ between machines, the words do not
_NUMBER = re.compile(r"[0-9a-f]{12}|\d[\d.,]*")


def words_of(text):
    return [_NUMBER.sub("0", line).split() for line in text.splitlines()]


def test_the_notebook_runs_from_top_to_bottom_and_shows_its_outputs(
    tmp_path, monkeypatch
):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    names = {}

    # Jupyter runs a notebook in its own folder
    with inside(ROOT / "docs"):
        outputs = list(run_cells(NOTEBOOK, names))

    if os.environ.get("DOCS"):
        write(with_outputs(NOTEBOOK, outputs), PATH)
    else:
        stored = [words_of(text_of(cell["outputs"])) for cell in CELLS]
        assert stored == [words_of(text_of(one)) for one in outputs]
    printed = "".join(map(text_of, outputs))
    assert re.search(r"label_issues +14\n", printed)
    assert "23 images were put into quarantine" in printed
    assert "passed  no leaks: 0 of 325 images" in printed
    assert "Restored 23 images" in printed
    assert names["written"].html.stat().st_size > 100_000
    assert len(names["show"](names["dataset"], "duplicates")) == 56
    assert len(names["show"](names["dataset"], "label_issues")) == 13
    assert str(tmp_path) not in printed
    names["dataset"].delete()


def test_the_notebook_is_kept_with_the_outputs_of_one_run():
    numbers = [cell["execution_count"] for cell in CELLS]
    assert numbers == list(range(1, len(CELLS) + 1))
    assert sum(bool(cell["outputs"]) for cell in CELLS) > 8
    assert NOTEBOOK["nbformat"] == 4 and len(CELLS) > 8
    assert len({cell["id"] for cell in NOTEBOOK["cells"]}) == len(NOTEBOOK["cells"])
