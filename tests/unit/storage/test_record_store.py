import os
import shutil
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from core.errors import CacheError
from core.storage.record_store import (
    ABSENT,
    RecordStore,
    StoredColumn,
    held_in_memory,
    stored_order,
)

DTYPE = np.dtype([("number", "<i4"), ("vector", "<f2", (3,))])


def key(number):
    return number.to_bytes(32, "big")


def records(*numbers):
    values = np.zeros(len(numbers), DTYPE)
    values["number"] = numbers
    values["vector"] = np.array(numbers)[:, None]
    return values


@pytest.fixture
def store(tmp_path):
    return RecordStore(tmp_path, DTYPE)


def test_what_was_stored_is_found_again_in_a_new_process(store, tmp_path):
    store.append([key(1), key(2)], records(1, 2))

    again = RecordStore(tmp_path, DTYPE)

    positions = np.array([again.position(key(2)), again.position(key(1))])
    assert again.read(positions, "number").tolist() == [2, 1]
    assert again.read(positions, "vector").shape == (2, 3)
    assert again.position(key(3)) == ABSENT


def test_a_key_is_stored_once(store):
    first = store.append([key(7), key(7)], records(7, 7))
    second = store.append([key(7)], records(99))

    assert first.tolist() == [0, 0] and second.tolist() == [0]
    assert store.read(np.array([0]), "number").tolist() == [7]


def test_another_process_appends_meanwhile(store, tmp_path):
    other = RecordStore(tmp_path, DTYPE)
    other.append([key(1)], records(1))

    store.append([key(2), key(1)], records(2, 1))

    assert RecordStore(tmp_path, DTYPE).position(key(2)) == 1
    assert store.read(np.array([store.position(key(1))]), "number") == [1]


@pytest.mark.parametrize("name", ["keys.bin", "values.bin"])
@pytest.mark.parametrize("cut", [1, 7, 20])
def test_a_torn_tail_loses_its_record_only(store, tmp_path, name, cut):
    store.append([key(1)], records(1))
    store.append([key(2)], records(2))
    path = tmp_path / name
    os.truncate(path, path.stat().st_size - min(cut, DTYPE.itemsize))

    again = RecordStore(tmp_path, DTYPE)

    assert again.position(key(1)) == 0
    assert again.position(key(2)) == ABSENT
    again.append([key(3)], records(3))
    fresh = RecordStore(tmp_path, DTYPE)
    assert fresh.read(np.array([fresh.position(key(3))]), "number") == [3]


def test_a_flipped_bit_is_noticed(store, tmp_path):
    store.append([key(1), key(2)], records(1, 2))
    path = tmp_path / "values.bin"
    content = bytearray(path.read_bytes())
    content[2] ^= 1
    path.write_bytes(content)

    again = RecordStore(tmp_path, DTYPE)

    assert again.position(key(1)) == ABSENT
    assert again.position(key(2)) == 1


def test_records_that_lie_side_by_side_are_checked_by_few_calls(
    store, tmp_path, monkeypatch
):
    numbers = list(range(40))
    store.append([key(n) for n in numbers], records(*numbers))
    path = tmp_path / "values.bin"
    content = bytearray(path.read_bytes())
    content[7 * DTYPE.itemsize] ^= 1
    path.write_bytes(content)
    again, preadv, calls = RecordStore(tmp_path, DTYPE), os.preadv, []

    def counted(*args):
        calls.append(args)
        return preadv(*args)

    monkeypatch.setattr(os, "preadv", counted)
    # Records 20 to 29 are not asked for, and one key is not there
    asked = [99, *range(39, 29, -1), *range(20)]
    found = again.positions([key(n) for n in asked]).tolist()

    assert found == [ABSENT if n in (7, 99) else n for n in asked]
    # Keys and values of two runs, and of the one that is damaged
    assert len(calls) == 6
    calls.clear()
    again.positions([key(n) for n in asked if n not in (7, 99)])
    assert not calls


def test_few_of_many_records_are_held_while_they_are_checked(
    store, tmp_path, monkeypatch
):
    numbers = list(range(300))
    store.append([key(n) for n in numbers], records(*numbers))
    again, preadv, sizes = RecordStore(tmp_path, DTYPE), os.preadv, []

    def counted(*args):
        sizes.append(sum(map(len, args[1])))
        return preadv(*args)

    monkeypatch.setattr(os, "preadv", counted)
    found = again.positions([key(n) for n in numbers]).tolist()

    assert found == numbers
    assert max(sizes) <= 128 * max(DTYPE.itemsize, 64)


def test_threads_append_side_by_side(store):
    def work(start):
        for number in range(start, start + 50):
            store.append([key(number)], records(number))

    threads = [threading.Thread(target=work, args=(n * 25,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    positions = np.array([store.position(key(n)) for n in range(125)])
    assert store.read(positions, "number").tolist() == list(range(125))


def test_an_empty_store_reads_nothing(store):
    assert store.read(np.empty(0, np.int64), "vector").shape == (0, 3)


def test_records_are_read_in_any_order_and_more_than_once(store):
    positions = store.append([key(n) for n in range(9)], records(*range(9)))
    wanted = [4, 0, 8, 4]

    assert store.read(positions[wanted], "number").tolist() == wanted
    vectors = store.read(positions[wanted], "vector")
    assert vectors.tolist() == [[n, n, n] for n in wanted]


@pytest.mark.parametrize("field", ["number", "vector"])
@pytest.mark.parametrize("kept", [1.0, 0.7, 0.2])
def test_many_records_are_read_in_runs_and_are_the_same(store, field, kept):
    numbers = list(range(700))
    store.append([key(n) for n in numbers], records(*numbers))
    random = np.random.default_rng(0)
    wanted = random.permutation(700)[: int(700 * kept)]
    wanted = np.append(wanted, wanted[:9])

    found = store.read(wanted.astype(np.int64), field)

    assert found.reshape(len(wanted), -1)[:, 0].tolist() == wanted.tolist()


@pytest.mark.parametrize("count", [9, 700])
@pytest.mark.parametrize("field, names", [("vector", ["number"]), ("last", None)])
def test_all_that_comes_before_a_field_is_read_at_once(tmp_path, count, field, names):
    dtype = np.dtype([*DTYPE.descr, ("last", "u1", (40,))])
    values = np.zeros(count, dtype)
    values["number"], values["vector"] = np.arange(count), np.arange(count)[:, None]
    values["last"] = 255
    store = RecordStore(tmp_path, dtype)
    positions = store.append([key(n) for n in range(count)], values)
    order = np.random.default_rng(0).permutation(count)

    found = store.read_before(positions[order], field)

    names = names or ["number", "vector"]
    assert list(found.dtype.names) == names
    for name in names:
        assert np.array_equal(found[name], values[name][order])
    assert found.dtype.itemsize < dtype.itemsize - 5


@pytest.fixture
def calls(monkeypatch):
    """Notes what is read."""
    preadv, calls = os.preadv, []

    def counted(*args):
        calls.append(args)
        return preadv(*args)

    monkeypatch.setattr(os, "preadv", counted)
    return calls


@pytest.fixture
def scattered(store):
    """A column of 700 rows whose numbers are those of their records."""
    positions = store.append([key(n) for n in range(700)], records(*range(700)))
    order = np.random.default_rng(0).permutation(positions)
    return StoredColumn(store, order, "vector")


def test_records_that_lie_together_are_read_by_few_calls(scattered, calls):
    assert np.array_equal(scattered[:][:, 0], scattered.positions)

    assert len(calls) < 10


def test_few_rows_that_lie_together_are_read_by_one_call(scattered, calls):
    order = stored_order(scattered, np.arange(700))

    assert scattered[order[:20]][:, 0].tolist() == list(range(20))
    assert len(calls) == 1


def test_rows_of_an_array_are_read_in_their_own_order():
    order = stored_order(np.zeros((9, 2)), np.array([5, 3, 8]))

    assert order.tolist() == [0, 1, 2]


def test_only_what_is_small_is_held_in_memory(scattered):
    assert isinstance(held_in_memory(scattered), np.ndarray)
    assert isinstance(held_in_memory(scattered, scattered.nbytes), np.ndarray)

    assert scattered.nbytes == 700 * 6
    assert held_in_memory(scattered, scattered.nbytes - 1) is scattered


def test_one_of_many_records_that_is_cut_off_is_not_read(store, tmp_path):
    positions = store.append([key(n) for n in range(300)], records(*range(300)))
    os.truncate(tmp_path / "values.bin", 300 * DTYPE.itemsize - 1)

    assert store.read(positions[:299], "number").tolist() == list(range(299))
    with pytest.raises(CacheError):
        store.read(positions, "vector")


def test_a_record_that_is_cut_in_half_is_not_read(store, tmp_path):
    positions = store.append([key(1), key(2)], records(1, 2))
    os.truncate(tmp_path / "values.bin", 2 * DTYPE.itemsize - 1)

    assert store.read(positions[:1], "vector").tolist() == [[1, 1, 1]]
    with pytest.raises(CacheError):
        store.read(positions, "vector")


def test_keys_are_taken_in_part_by_part(store, tmp_path, monkeypatch):
    store.append([key(n) for n in range(5)], records(*range(5)))
    monkeypatch.setattr("core.storage.record_store._KEYS_AT_ONCE", 2)
    again = RecordStore(tmp_path, DTYPE)

    positions = again.positions([key(n) for n in range(5)])
    more = again.append([key(7)], records(7))

    assert again.read(positions, "number").tolist() == list(range(5))
    assert again.read(more, "number") == [7]


def test_what_a_system_reads_in_pieces_is_whole(store, tmp_path, monkeypatch):
    preadv = os.preadv
    positions = store.append([key(n) for n in range(5)], records(*range(5)))
    monkeypatch.setattr(
        os, "preadv", lambda at, to, place: preadv(at, [to[0][:3]], place)
    )
    again = RecordStore(tmp_path, DTYPE)

    assert again.positions([key(4), key(9)]).tolist() == [4, ABSENT]
    assert again.read(positions, "vector")[:, 0].tolist() == list(range(5))


def test_threads_read_side_by_side_where_a_file_has_one_place(store, monkeypatch):
    positions = store.append([key(n) for n in range(200)], records(*range(200)))
    monkeypatch.delattr(os, "preadv")  # as on Windows

    def read(start):
        rows = np.roll(positions, start)
        return np.array_equal(store.read(rows, "number"), np.roll(range(200), start))

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(read, range(40)))
    assert store.append([key(500)], records(500)).tolist() == [200]
    assert store.read(np.array([200]), "number").tolist() == [500]


def test_the_lock_may_be_deleted_too(store, tmp_path):
    store.append([key(1)], records(1))
    (tmp_path / "lock").unlink(missing_ok=True)

    assert store.append([key(2)], records(2)).tolist() == [1]


def test_what_the_disk_says_is_explained(store):
    positions = store.append([key(1)], records(1))
    store._files.values.file.close()

    with pytest.raises(CacheError, match="Bad file descriptor"):
        store.read(positions, "number")


def test_values_that_are_cut_off_before_the_first_look_are_absent(store, tmp_path):
    store.append([key(1), key(2)], records(1, 2))
    again = RecordStore(tmp_path, DTYPE)
    os.truncate(tmp_path / "values.bin", DTYPE.itemsize)

    whole, cut = again.positions([key(1), key(2)])

    assert cut == ABSENT
    assert again.read(np.array([whole]), "number") == [1]


APPENDER = """
import sys
from pathlib import Path
import numpy as np
from core.storage.record_store import RecordStore

store = RecordStore(Path(sys.argv[1]), np.dtype(eval(sys.argv[2])))
print("ready", flush=True)
number = 0
while True:
    number += 1
    values = np.zeros(7, store.dtype)
    values["number"] = np.arange(7) + 7 * number
    keys = [int(n).to_bytes(32, "big") for n in values["number"]]
    store.append(keys, values)
"""


def test_two_processes_append_and_read_at_the_same_time(tmp_path):
    # An itemsize that divides no page, so that half records are visible
    dtype = np.dtype([("number", "<i4"), ("vector", "<f2", (1501,))])
    store = RecordStore(tmp_path, dtype)
    command = [sys.executable, "-c", APPENDER, str(tmp_path), repr(dtype.descr)]
    root = Path(__file__).parents[3]
    ours = 10**6
    with subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE) as other:
        try:
            other.stdout.readline()
            deadline = time.monotonic() + 2
            while time.monotonic() < deadline:
                ours += 1
                value = np.zeros(1, dtype)
                value["number"] = ours
                positions = store.append([key(ours)], value)
                assert store.read(positions, "number") == [ours]
            assert other.poll() is None
        finally:
            other.kill()

    again = RecordStore(tmp_path, dtype)
    theirs = 7
    while again.position(key(theirs)) != ABSENT:
        theirs += 1
    assert theirs > 14
    for numbers in (range(10**6 + 1, ours + 1), range(7, theirs)):
        positions = np.array([again.position(key(number)) for number in numbers])
        assert again.read(positions, "number").tolist() == list(numbers)


def test_a_damaged_record_is_replaced_for_good(store, tmp_path):
    store.append([key(1), key(2)], records(1, 2))
    path = tmp_path / "values.bin"
    content = bytearray(path.read_bytes())
    content[2] ^= 1
    path.write_bytes(content)

    again = RecordStore(tmp_path, DTYPE)
    assert again.append([key(1), key(2)], records(1, 2)).tolist() == [2, 1]

    fresh = RecordStore(tmp_path, DTYPE)
    assert fresh.position(key(1)) == 2
    assert fresh.read(np.array([2]), "number") == [1]


@pytest.mark.parametrize("by_another", [False, True])
def test_a_cache_that_is_deleted_while_open_starts_afresh(store, tmp_path, by_another):
    old = store.append([key(1), key(2)], records(1, 2))
    shutil.rmtree(tmp_path)
    if by_another:
        RecordStore(tmp_path, DTYPE).append([key(8), key(9)], records(8, 9))

    assert store.position(key(1)) == ABSENT
    new = store.append([key(3), key(2)], records(3, 2))

    assert store.read(new, "number").tolist() == [3, 2]
    assert RecordStore(tmp_path, DTYPE).position(key(3)) != ABSENT
    assert (store.position(key(9)) != ABSENT) == by_another
    with pytest.raises(CacheError, match="deleted during the scan; scan again"):
        store.read(old, "number")


def test_records_in_use_outlive_the_deletion_of_the_cache(store, tmp_path):
    positions = store.append([key(1), key(2)], records(1, 2))

    shutil.rmtree(tmp_path)

    assert store.read(positions, "number").tolist() == [1, 2]


@pytest.mark.parametrize("name", ["keys.bin", "values.bin"])
def test_a_file_that_is_emptied_while_open_is_noticed(store, tmp_path, name):
    old = store.append([key(1), key(2)], records(1, 2))
    store.read(old, "number")
    os.truncate(tmp_path / name, 0)

    assert store.position(key(1)) == ABSENT
    assert store.read(store.append([key(1)], records(1)), "number") == [1]
    with pytest.raises(CacheError):
        store.read(old, "number")


def test_a_file_in_place_of_the_folder_is_explained(tmp_path):
    (tmp_path / "cache").touch()

    for folder in (tmp_path / "cache", tmp_path / "cache" / "seen"):
        with pytest.raises(CacheError, match="set WINNOW_CACHE"):
            RecordStore(folder, DTYPE)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="Linux only")
def test_a_full_disk_is_explained(tmp_path):
    (tmp_path / "values.bin").symlink_to("/dev/full")
    store = RecordStore(tmp_path, DTYPE)

    with pytest.raises(CacheError, match="No space left on device"):
        store.append([key(1)], records(1))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_write_permission_is_explained(tmp_path):
    tmp_path.chmod(0o500)

    with pytest.raises(CacheError, match="Permission denied"):
        RecordStore(tmp_path, DTYPE)
