"""The collector is paused for a while, and never left off; threads share heaps."""

import gc
import platform
import subprocess
import sys

import pytest

from core.common.memory import collector_paused, old_objects_spared


def test_the_collector_is_on_again_whatever_happens():
    with pytest.raises(ValueError, match="wrong"), collector_paused():
        assert not gc.isenabled()
        raise ValueError("wrong")
    assert gc.isenabled()


def test_one_that_was_off_stays_off():
    gc.disable()
    try:
        with collector_paused():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_old_objects_are_spared_for_a_while_and_new_ones_are_not():
    class Cycle:
        def __init__(self, freed):
            self.itself, self.freed = self, freed

        def __del__(self):
            self.freed.append(1)

    old, new = [], []
    with pytest.raises(ValueError, match="wrong"):
        held = Cycle(old)
        with old_objects_spared():
            del held
            Cycle(new)
            gc.collect()
            assert (old, new) == ([], [1])
            raise ValueError("wrong")
    gc.collect()

    assert old == [1]
    assert not gc.get_freeze_count()


_THREADS_THAT_ALLOCATE = """
import ctypes, sys, threading
from core.common.memory import share_heaps

if sys.argv[1] == "shared":
    share_heaps()
barrier = threading.Barrier(4)

def work():
    held = bytearray(50_000)
    barrier.wait()
    del held

threads = [threading.Thread(target=work) for _ in range(4)]
for thread in threads: thread.start()
for thread in threads: thread.join()
ctypes.CDLL(None).malloc_stats()
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="others share anyhow")
@pytest.mark.parametrize(("how", "is_one"), [("shared", True), ("apart", False)])
def test_threads_that_begin_later_have_no_heaps_of_their_own(how, is_one):
    command = [sys.executable, "-c", _THREADS_THAT_ALLOCATE, how]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stderr

    assert (said.count("Arena ") == 1) is is_one
