"""Runs the checkout as a plugin of the real FiftyOne on a database of its own."""

import contextlib
import importlib.util
import os
import shutil
import socket
import subprocess
import tempfile
import time
import warnings
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


_home = Path(tempfile.mkdtemp(prefix="winnow-test-"))
(_home / "plugins").mkdir()
(_home / "plugins" / "curate").symlink_to(ROOT)
os.environ["FIFTYONE_PLUGINS_DIR"] = str(_home / "plugins")
os.environ["FIFTYONE_DEFAULT_DATASET_DIR"] = str(_home / "fiftyone")
os.environ["FIFTYONE_DATABASE_VALIDATION"] = "false"
os.environ["FIFTYONE_DO_NOT_TRACK"] = "true"
os.environ["FIFTYONE_SHOW_PROGRESS_BARS"] = "false"
os.environ["WINNOW_CACHE"] = str(_home / "cache")


def _start_mongod():
    """Starts a mongod that is ours alone.

    FiftyOne would attach to any mongod that it started for this user, and so
    write test data sets among a developer's own.
    """
    package = Path(importlib.util.find_spec("fiftyone").origin).parent
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (_home / "database").mkdir()
    mongod = subprocess.Popen(
        [package / "db" / "bin" / "mongod", "--dbpath", _home / "database"]
        + ["--port", str(port), "--bind_ip", "127.0.0.1", "--nounixsocket"]
        + ["--logpath", _home / "mongod.log"],
        stdout=subprocess.DEVNULL,
    )
    for _ in range(600):
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", port), 1).close()
            break
        time.sleep(0.1)
    os.environ["FIFTYONE_DATABASE_URI"] = f"mongodb://127.0.0.1:{port}"
    return mongod


_mongod = _start_mongod()

# Imported here first: its packages warn while they are compiled, and our own
# rule that warnings are errors is not meant for them
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import fiftyone
    import fiftyone.operators  # noqa: F401


def pytest_unconfigure(config):
    _mongod.terminate()
    _mongod.wait()
    shutil.rmtree(_home, ignore_errors=True)


@pytest.fixture(scope="session", autouse=True)
def plugin():
    """The plugin, registered without an error."""
    import fiftyone.plugins.context as contexts

    (found,) = [
        context
        for context in contexts.build_plugin_contexts()
        if context.name == "@winnow/curate"
    ]
    assert not found.errors, found.errors
    return found


@pytest.fixture
def folder(tmp_path, draw):
    """Twenty pictures; 0 and 19 have the same bytes, 1 and 18 the same pixels."""
    images = tmp_path / "images"
    images.mkdir()
    for number in range(18):
        draw(number).save(images / f"{number:02d}.png")
    again = draw(1)
    again.save(images / "18.bmp")
    shutil.copyfile(images / "00.png", images / "19.png")
    return images


@pytest.fixture
def dataset(folder):
    """The folder's pictures, labelled a or b, tagged train or test."""
    import fiftyone as fo

    dataset = fo.Dataset()
    dataset.add_samples(
        [
            fo.Sample(
                filepath=str(path),
                ground_truth=fo.Classification(label="ab"[number % 2]),
                tags=["train" if number < 10 else "test"],
            )
            for number, path in enumerate(sorted(folder.iterdir()))
        ]
    )
    yield dataset
    if not dataset.deleted:
        dataset.delete()


@pytest.fixture
def scan():
    import fiftyone.operators as foo

    return foo.get_operator("@winnow/curate/scan")


@pytest.fixture
def find():
    import fiftyone.operators as foo

    return foo.get_operator("@winnow/curate/find")
