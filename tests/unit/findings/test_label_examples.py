"""Which pictures speak for a label and which against it."""

import numpy as np
import pytest

from core.findings.label_examples import label_neighbors
from core.neighbors.knn_graph import NeighborGraph

CAT, DOG, FOX = 0, 1, 2


def graph(*rows):
    indices = np.array(rows, np.int32)
    return NeighborGraph(indices, np.ones(indices.shape, np.float32))


@pytest.fixture
def ask():
    """Asks about item 0; item 4 has no label, and -1 pads."""

    def run(*near, label=CAT, suggestion=-1, cluster=(-1,) * 5, votes=None):
        rows = [[list(row)] + [[-1] * len(row)] * 4 for row in near]
        found = label_neighbors(
            [graph(*row) for row in rows],
            np.array(votes or [CAT, CAT, DOG, FOX, -1], np.int32),
            np.array(cluster, np.int64),
            np.array([[0, label]]),
            np.array([suggestion], np.int32),
        )
        return int(found.agreeing[0]), int(found.contradicting[0])

    return run


def test_the_nearest_of_the_label_and_of_another_are_named(ask):
    assert ask((4, 3, 2, 1)) == (1, 3)


def test_the_suggested_label_speaks_before_another_that_is_nearer(ask):
    assert ask((3, 2, 1), suggestion=DOG) == (1, 2)


def test_nothing_is_named_where_nobody_has_the_label(ask):
    assert ask((3, 4, -1), suggestion=DOG) == (-1, -1)


def test_own_copies_have_no_say(ask):
    assert ask((1, 2, 3), cluster=(7, 7, 7, -1, -1)) == (-1, 3)


def test_the_second_graph_is_asked_after_the_first(ask):
    assert ask((3, -1), (2, 1)) == (1, 3)


def test_an_item_with_no_neighbors_has_neither(ask):
    assert ask(()) == (-1, -1)
