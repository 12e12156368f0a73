import os
import threading

import numpy as np
import pytest

from core.store import ABSENT, RecordStore

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
