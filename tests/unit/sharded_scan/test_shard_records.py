import sys

import numpy as np
import psutil
import pytest

from core.sharded_scan import shard_records
from core.sharded_scan.job_folder import JobFolder
from core.sharded_scan.shard_records import (
    RecordsInMemory,
    ShardRecords,
    as_file,
    position_of,
)

SHARDS, ROWS = 300, 4
DTYPE = np.dtype([("copy", "f2", 3), ("width", "i4")])


@pytest.fixture
def store(tmp_path):
    """Records of more shards than a process has mapped that may map few."""
    folder = JobFolder(str(tmp_path))
    for shard in range(SHARDS):
        records = np.zeros(ROWS, DTYPE)
        records["width"] = shard * ROWS + np.arange(ROWS)
        folder.write(f"{shard}.npy", as_file(records))
    return ShardRecords(folder, [f"{shard}.npy" for shard in range(SHARDS)], DTYPE)


@pytest.fixture
def positions():
    rng = np.random.default_rng(0)
    rows = rng.permutation(SHARDS * ROWS)
    return rows, position_of(rows // ROWS, rows % ROWS)


def test_records_are_found_wherever_they_are(store, positions):
    rows, at = positions

    assert store.read(at, "width").tolist() == rows.tolist()
    assert store.read(at[:0], "copy").shape == (0, 3)


def test_all_that_comes_before_a_field_is_found_at_once(store, positions):
    rows, at = positions
    both = np.dtype([*reversed(DTYPE.descr), ("last", "u1")])
    values = np.zeros(9, both)
    values["width"], values["last"] = np.arange(9), 255
    made = RecordsInMemory(both)
    made.append([bytes([number]) for number in range(9)], values)

    assert store.read_before(at, "width").dtype.names == ("copy",)
    some = made.read_before(np.array([4, 0]), "last")
    assert some.dtype.names == ("width", "copy")
    assert some["width"].tolist() == [4, 0]
    store.dtype = np.dtype([*DTYPE.descr, ("last", "u1")])
    assert store.read_before(at, "last")["width"].tolist() == rows.tolist()


@pytest.mark.parametrize("most", [1, 7])
def test_records_are_found_where_few_files_may_be_open(
    store, positions, most, monkeypatch
):
    rows, at = positions
    monkeypatch.setattr(shard_records, "_most_mapped", lambda: most)
    shard_records._mapping.cache_clear()

    found = store.read(at, "width").tolist()

    shard_records._mapping.cache_clear()
    assert found == rows.tolist()


@pytest.mark.skipif(sys.platform != "linux", reason="counts open files")
def test_as_many_shards_stay_mapped_as_a_process_may_have_open(store, positions):
    import resource

    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if 0 <= most < SHARDS + 1000:
        pytest.skip("so many files may not be open")
    _, at = positions
    shard_records._mapping.cache_clear()
    before = psutil.Process().num_fds()

    store.read(at, "width")

    assert psutil.Process().num_fds() - before == SHARDS
    shard_records._mapping.cache_clear()
