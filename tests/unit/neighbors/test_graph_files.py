import shutil

import numpy as np
import pytest

from core.errors import InputError
from core.neighbors.graph_files import graph_in_files


def test_a_graph_in_files_keeps_what_is_written_and_leaves_no_file(tmp_path):
    graph = graph_in_files(tmp_path / "work", 1_000, 3)
    graph.indices[:] = np.arange(3_000).reshape(1_000, 3)
    graph.similarities[999] = 0.5

    assert graph.indices[999].tolist() == [2_997, 2_998, 2_999]
    assert graph.similarities[999].tolist() == [0.5] * 3
    assert not list((tmp_path / "work").iterdir())


def test_a_graph_larger_than_the_disk_is_refused_in_a_sentence(tmp_path):
    rows = shutil.disk_usage(tmp_path).free // 80 + 10**8

    with pytest.raises(InputError, match=r"has .* left on its disk, and about"):
        graph_in_files(tmp_path, rows, 10)
