"""The real operators, killed at a call; the real mongod, killed in between."""

import subprocess
import sys
from pathlib import Path

import pytest
from harness.checks import Tally
from harness.operators import IMAGES, WAYS, kill_applying, kill_undoing, labeled_images

pytestmark = [
    pytest.mark.filterwarnings("ignore:MongoClient opened before fork"),
    pytest.mark.filterwarnings("ignore:This process .* is multi-threaded"),
]

KILLED_AT = range(1, 33, 3)


@pytest.fixture
def labeled(tmp_path):
    dataset = labeled_images(tmp_path)
    yield dataset
    dataset.delete()


@pytest.mark.parametrize("way", WAYS)
def test_killed_anywhere_the_operator_loses_nothing(labeled, way):
    tally = Tally()

    assert kill_applying(labeled, way, KILLED_AT, tally) >= 6
    assert tally.all() == []


def test_an_undo_that_was_killed_is_finished_by_the_next(labeled):
    tally = Tally()

    assert kill_undoing(labeled, KILLED_AT, tally) >= 6
    assert tally.all() == []


def test_a_database_that_dies_in_the_middle_is_caught_up_with(tmp_path, draw):
    """Files that were moved when mongod died are moved, and come back."""
    root = tmp_path / "data"
    root.mkdir()
    for number in range(IMAGES):
        draw(number).save(root / f"{number}.png")
    script = Path(__file__).with_name("mongod_dies.py")

    ran = subprocess.run(
        [sys.executable, script, root, tmp_path],
        capture_output=True,
        text=True,
        timeout=180,
    )

    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert sorted(path.name for path in root.iterdir()) == sorted(
        f"{number}.png" for number in range(IMAGES)
    )
