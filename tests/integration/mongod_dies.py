"""A child process for test_actions_killed: its mongod dies under an action.

python mongod_dies.py IMAGES SCRATCH
"""

import importlib
import os
import socket
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

PLUGIN = "fiftyone.plugins.orgs.winnow.curate"
images, scratch = map(Path, sys.argv[1:])
with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    port = free.getsockname()[1]
(scratch / "database").mkdir()


def start_mongod():
    package = Path(find_spec("fiftyone").origin).parent
    mongod = subprocess.Popen(
        [package / "db" / "bin" / "mongod", "--dbpath", scratch / "database"]
        + ["--port", str(port), "--bind_ip", "127.0.0.1", "--nounixsocket"]
        + ["--logpath", scratch / "mongod.log", "--logappend"]
        # As rarely as it can be told: what does not wait for it is lost
        + ["--journalCommitInterval", "500"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    for _ in range(300):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return mongod
        except OSError:
            time.sleep(0.1)
    raise RuntimeError("mongod did not start")


mongod = start_mongod()
os.environ["FIFTYONE_DATABASE_URI"] = (
    f"mongodb://127.0.0.1:{port}/?serverSelectionTimeoutMS=2000"
)

import fiftyone as fo  # noqa: E402
import fiftyone.operators as foo  # noqa: E402
from pymongo.collection import Collection  # noqa: E402

quarantine = foo.get_operator("@winnow/curate/quarantine")
CurationError = sys.modules[f"{PLUGIN}.core.errors"].CurationError
undo = foo.get_operator("@winnow/curate/undo")
dataset = fo.Dataset("dies", persistent=True)
paths = sorted(str(path) for path in images.iterdir())
dataset.add_samples([fo.Sample(filepath=path) for path in paths])
client = fo.core.odm.get_db_conn().client
client.admin.command("fsync")
dataset.info["kept"] = True
dataset.save()
run_record = importlib.import_module(f"{PLUGIN}.operators.adapter.runs.run_record")
run_record.wait_for_journal(dataset)
mongod.kill()
mongod.wait()
mongod = start_mongod()
dataset.reload()
assert dataset.info.get("kept"), "what was waited for did not survive"
view = dataset.limit(3)
plan = quarantine(view, "view", progress=False)
# What mongod has not yet in its journal it may lose, and that is not the test
client.admin.command("fsync")
bulk_write = Collection.bulk_write


def write_to_a_dead_database(*args, **kwargs):
    mongod.kill()
    mongod.wait()
    return bulk_write(*args, **kwargs)


Collection.bulk_write = write_to_a_dead_database
try:
    quarantine(dataset, plan_id=plan.plan_id, expect_count=3, dry_run=False)
except CurationError as error:
    assert "stopped answering in the middle of the action" in str(error)
else:
    raise AssertionError("the dead database was not noticed")
assert len(list(images.iterdir())) == len(paths) - 3
Collection.bulk_write = bulk_write

mongod = start_mongod()
report = undo(fo.load_dataset("dies"), dry_run=False, progress=False)
assert sorted(fo.load_dataset("dies").values("filepath")) == paths
assert report.recovered
ours = [
    one for one in fo.core.odm.get_db_conn().list_collection_names() if "winnow" in one
]
assert not ours, "the database is FiftyOne's, and the collections are, too"
fo.delete_dataset("dies")
mongod.terminate()
mongod.wait()
