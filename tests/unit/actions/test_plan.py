import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from core.actions.filesystem import FileIdentity
from core.actions.plan import (
    KeptCopy,
    PlannedItem,
    Refusal,
    batches,
    forget_other_plans,
    open_plan,
    plan_file,
    write_plan,
)
from core.errors import PlanOutdatedError

ROOT = Path(__file__).parents[3]
IDENTITY = FileIdentity(1, 2, 30, 4, 5, 0o100644, 1)
HEADER = {
    "action": "quarantine",
    "root": "/r",
    "target_root": None,
    "quarantine": "/q",
    "options": {"a": 1},
}


def item(number, **more):
    fields = {
        "source": "bad\udcff\n.jpg",
        "target": f"files/{number}.jpg",
        "identity": IDENTITY,
        "sha256": "ab",
        "kept_copy": KeptCopy("/r/keep.jpg", IDENTITY, "ab", "s1"),
        "why": "copy",
        "label": "cat",
        "split": "train",
        "records": [{"id": "s2"}],
    }
    return PlannedItem(number, **{**fields, **more})


def write(folder, lines=None, **header):
    lines = [item(0), Refusal("/r/x.jpg", "because")] if lines is None else lines
    return write_plan(folder, {**HEADER, **header}, lines, None)


def test_an_item_is_read_as_it_was_written():
    bare = item(1, target=None, identity=None, sha256=None, kept_copy=None, label=None)
    for one in (item(0), bare):
        assert PlannedItem.from_json(json.loads(json.dumps(one.to_json()))) == one


def test_a_plan_is_opened_as_it_was_written(tmp_path):
    lines = [
        item(0),
        item(1, label="dog", split=None),
        item(2, target=None, identity=None),
        Refusal("/r/x.jpg", "because"),
        Refusal("/r/y.jpg", "because"),
    ]
    plan = write(tmp_path, lines)
    assert plan.file == plan_file(tmp_path, plan.id)
    assert (plan.action, plan.root, plan.target_root) == ("quarantine", "/r", None)
    assert (plan.quarantine, plan.options) == ("/q", {"a": 1})
    assert (plan.count, plan.moves, plan.bytes) == (3, 2, 60)
    assert plan.classes == {"cat": 2, "dog": 1}
    assert plan.splits == {"train": 2}
    assert plan.refused == {"because": 2}
    assert plan.refusals == lines[3:]
    assert plan.needs_count is None
    assert list(plan.items()) == lines[:3]
    assert [path.name for path in tmp_path.iterdir()] == [f"{plan.id}.jsonl"]


def test_equal_plans_have_equal_ids_and_others_have_not(tmp_path):
    assert write(tmp_path).id == write(tmp_path).id
    assert write(tmp_path, root="/other").id != write(tmp_path).id
    assert len(write(tmp_path).id) == 12


def test_every_changed_byte_of_a_plan_is_noticed(tmp_path):
    plan = write(tmp_path)
    whole = plan.file.read_bytes()
    seal = len(whole.splitlines(keepends=True)[-1])
    for place in range(0, len(whole) - seal, 7):
        data = bytearray(whole)
        data[place] ^= 1
        plan.file.write_bytes(bytes(data))
        with pytest.raises(PlanOutdatedError, match="damaged or was edited"):
            open_plan(plan.file)


def test_a_plan_that_was_cut_off_or_emptied_is_noticed(tmp_path):
    plan = write(tmp_path)
    whole = plan.file.read_bytes()
    for length in (0, 10, len(whole) - 40):
        plan.file.write_bytes(whole[:length])
        with pytest.raises(PlanOutdatedError, match="damaged or was edited"):
            open_plan(plan.file)


def test_a_plan_that_is_gone_is_said_to_be(tmp_path):
    with pytest.raises(PlanOutdatedError, match="no plan 0123 that waits"):
        open_plan(tmp_path / "0123.jsonl")


def test_only_the_first_refusals_are_kept_in_memory(tmp_path):
    plan = write(tmp_path, [Refusal(f"/r/{n}", "because") for n in range(1_000)])
    assert len(plan.refusals) == 200
    assert plan.refused == {"because": 1_000}


def test_two_threads_may_plan_at_the_same_time(tmp_path):
    started = threading.Barrier(2)
    plans = []

    def lines(number):
        started.wait()
        for place in range(2_000):
            yield item(place, why=f"thread {number}")

    def run(number):
        plans.append(write(tmp_path, lines(number)))

    threads = [threading.Thread(target=run, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({plan.id for plan in plans}) == 2
    for plan in plans:
        assert len({one.why for one in plan.items()}) == 1


def test_batches_hold_every_item_once():
    items = [item(number) for number in range(600)]
    found = list(batches(items))
    assert [len(batch) for batch in found] == [256, 256, 88]
    assert [one for batch in found for one in batch] == items


def test_the_oldest_plans_are_forgotten(tmp_path):
    plans = [write(tmp_path, root=f"/{number}") for number in range(5)]
    for age, plan in enumerate(plans):
        os.utime(plan.file, (1_000 - age, 1_000 - age))
    (tmp_path / "mine.txt").write_text("mine")
    forget_other_plans(tmp_path, keep=2)
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {"mine.txt", *(plan.file.name for plan in plans[:2])}
    forget_other_plans(tmp_path / "gone")


_MEASURE = """
import resource, sys
sys.path.insert(0, ".")
from pathlib import Path
from core.actions.plan import open_plan, batches
plan = open_plan(Path(sys.argv[1]))
items = sum(len(batch) for batch in batches(plan.items()))
print(items, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def test_a_long_plan_is_opened_in_the_memory_of_a_short_one(tmp_path):
    peaks = []
    for count in (2_000, 20_000):
        plan = write(tmp_path, (item(number) for number in range(count)))
        done = subprocess.run(
            [sys.executable, "-c", _MEASURE, str(plan.file)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
        items, peak = map(int, done.stdout.split())
        assert items == count
        peaks.append(peak)
    # The longer file has 10 MB; nothing near it may be held
    assert peaks[1] - peaks[0] < 2_000
