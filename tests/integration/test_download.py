"""The plugin as a person installs it: a zip from the web, in a fresh folder."""

import functools
import http.server
import os
import subprocess
import sys
import sysconfig
import threading
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FIFTYONE = Path(sysconfig.get_path("scripts")) / "fiftyone"
SCAN = """
import sys
import fiftyone as fo
import fiftyone.operators as foo

dataset = fo.Dataset.from_images_dir(sys.argv[1])
report = foo.get_operator("@winnow/curate/scan")(dataset)
print("duplicates:", report.counts["duplicates"])
print("from:", sys.modules[type(report).__module__].__file__)
dataset.delete()
"""


class _Silent(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *about):
        pass


@pytest.fixture
def address(tmp_path):
    """Where the files of this checkout lie as one zip, as a site of code makes it."""
    site = tmp_path / "site"
    site.mkdir()
    listed = subprocess.run(
        ["git", "-C", ROOT, "ls-files", "-z"], capture_output=True, check=True
    )
    with zipfile.ZipFile(site / "curate.zip", "w") as zipped:
        for name in os.fsdecode(listed.stdout).rstrip("\0").split("\0"):
            if (ROOT / name).is_file():
                zipped.write(ROOT / name, f"curate-main/{name}")
    handler = functools.partial(_Silent, directory=site)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/curate.zip"
        server.shutdown()


@pytest.fixture
def run(tmp_path):
    """Runs a program with a folder of plugins that is its own, and empty at first."""
    environment = {**os.environ, "FIFTYONE_PLUGINS_DIR": str(tmp_path / "plugins")}

    def run(*command):
        done = subprocess.run(
            command, env=environment, cwd=tmp_path, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    return run


def test_the_zip_of_the_checkout_is_downloaded_and_scans(
    tmp_path, address, run, folder
):
    run(FIFTYONE, "plugins", "download", address)
    needs = run(FIFTYONE, "plugins", "requirements", "@winnow/curate", "--ensure")
    said = run(sys.executable, "-c", SCAN, str(folder))

    assert (tmp_path / "plugins" / "@winnow" / "curate" / "fiftyone.yml").is_file()
    assert "numpy" in needs
    assert "duplicates: 4" in said
    assert f"from: {tmp_path / 'plugins'}" in said
