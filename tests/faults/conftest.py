import os

import pytest
from harness.checks import Tally
from harness.world import World, fresh_world, small_batches

FULL = os.environ.get("FAULTS") == "full"


@pytest.fixture
def world():
    """A data set on a real file system, in batches of three files."""
    with fresh_world() as built, small_batches():
        yield built


@pytest.fixture
def build():
    """Builds a world in a folder of one's own."""
    with small_batches():
        yield World.build


@pytest.fixture
def tally():
    return Tally()


@pytest.fixture(scope="session")
def at_most():
    """How many faults a test tries: few, or with FAULTS=full all there are."""
    return lambda few: 10**9 if FULL else few
