"""One run at a time on a data set, in whatever thread the App runs its steps."""

import importlib
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest


@pytest.fixture
def lock(plugin):
    return importlib.import_module(
        "fiftyone.plugins.orgs.winnow.curate.operators.adapter.runs.lock"
    )


def test_a_run_that_ends_in_another_thread_frees_the_data_set(lock, dataset):
    run = lock.exclusive_run(dataset)
    with ThreadPoolExecutor(1) as one, ThreadPoolExecutor(1) as other:
        one.submit(run.__enter__).result()
        assert lock.running(dataset) is not None
        with pytest.raises(Exception, match="Another Winnow run is active"):
            other.submit(lock.exclusive_run(dataset).__enter__).result()
        other.submit(run.__exit__, None, None, None).result()
    assert lock.running(dataset) is None


def test_a_killed_run_locks_nothing(lock, dataset):
    path = lock.cache_folder() / "runs" / f"{dataset._doc.id}.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    program = (
        f"from filelock import FileLock; lock = FileLock({str(path)!r});"
        "lock.acquire(); print('held', flush=True); input()"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert child.stdout.readline() == b"held\n"
    assert lock.running(dataset) is not None

    child.kill()
    child.communicate()

    assert lock.running(dataset) is None
