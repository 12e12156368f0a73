"""A FiftyOne of our own: this checkout as its plugin, a throw-away database.

Import it before FiftyOne, whose settings are read from the environment then.
"""

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

ROOT = Path(__file__).resolve().parents[1]


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


def stop():
    """Stops the database and removes all that was written; twice does no harm."""
    _mongod.terminate()
    _mongod.wait()
    shutil.rmtree(_home, ignore_errors=True)
