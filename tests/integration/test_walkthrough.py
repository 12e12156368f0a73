"""docs/walkthrough.md: each command is run, and prints what the page says."""

import pytest

from tests.pages import ROOT, checkout, missing, run_page


@pytest.fixture
def alone(monkeypatch, tmp_path_factory):
    """A checkout; variables that a person or ``make`` may have set reach no command."""
    for name in ("IMAGES", "AGAINST", "OUT", "APP", "FAIL_ON", "MAKEFLAGS", "VENV"):
        monkeypatch.delenv(name, raising=False)
    return checkout(tmp_path_factory.mktemp("checkout"))


def files_in(folder):
    return {
        path.relative_to(folder): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and ".winnow-quarantine" not in path.parts
    }


def test_the_walkthrough_runs_prints_what_it_says_and_takes_it_back(alone):
    page = (ROOT / "docs" / "walkthrough.md").read_text()
    images = alone / "scenes" / "images"
    before, changed = None, False

    for block, printed in run_page(page, alone):
        assert missing(block.says, printed) == [], f"{block.code}\n{printed}"
        before = before or files_in(images)
        changed = changed or files_in(images) != before

    assert len(before) == 353 and changed
    assert files_in(images) == before
