"""Plans, actions, crashes, power cuts, undos, purges and a person, in any order."""

import contextlib
import os
import random
from collections import Counter
from contextlib import ExitStack

from harness.checks import Tally, check_report
from harness.disks import Fault, PowerCutDisk, SimulatedKill
from harness.world import digest_of, fresh_world, small_batches, snapshot
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from core.actions.apply import apply_plan
from core.actions.journal import DONE, PURGED, PURGING
from core.actions.purge import plan_purge, purge
from core.actions.quarantine import locked_quarantine
from core.actions.recovery import is_unfinished, recover
from core.actions.session import changes, states
from core.actions.undo import undo_action
from core.errors import ActionError, Cancelled, PlanOutdatedError

FULL = os.environ.get("FAULTS") == "full"

# A call at which the process dies; beyond the last one it lives
DIES_AT = st.one_of(st.just(10_000), st.integers(1, 110))
HOW = st.sampled_from(["kill", "cut", "partial cut"])
PICK = st.integers(0, 10_000)


class Life(RuleBasedStateMachine):
    """One data set and all that may happen to it."""

    def __init__(self):
        super().__init__()
        self.stack = ExitStack()
        self.stack.enter_context(small_batches())
        self.world = self.stack.enter_context(fresh_world())
        self.disk = PowerCutDisk()
        self.plan = None
        self.tally = Tally()
        # Bytes of which the person has destroyed, by their own doing, so many
        self.destroyed = Counter()
        self.made = Counter()
        self.touched = set()
        self.content = {key: digest_of(d) for key, d in self.world.rows_data.items()}
        self.disturbed = False

    def teardown(self):
        try:
            self.settle()
            for folder in reversed(self.world.actions()):
                report = undo_action(folder, self.world.dataset.records_of)
                check_report(self.tally, "at the end", report)
            self.nothing_is_lost()
            self.samples_follow_their_files()
            if not self.disturbed:
                assert self.world.differences() == []
        finally:
            self.stack.close()

    # What the tool does

    @rule(picks=st.lists(PICK, min_size=1, max_size=5))
    def plan_to_quarantine(self, picks):
        paths = sorted(snapshot(self.world.root)[0])
        chosen = {paths[pick % len(paths)] for pick in picks} if paths else ()
        requests = [self._request(path) for path in sorted(chosen)]
        self.plan = self.world.plan("quarantine", requests)

    @rule(pick=PICK, folder=st.sampled_from(["train/cat", "train/fox", "a/b/fox"]))
    def plan_to_relabel(self, pick, folder):
        paths = sorted(snapshot(self.world.root)[0])
        if not paths:
            return
        path = paths[pick % len(paths)]
        target = f"{folder}/{os.path.basename(path)}"
        request = self._request(path, target=target, keeper=None)
        self.plan = self.world.plan(
            "retag", [request], target_root=str(self.world.root)
        )

    @precondition(lambda self: self.plan is not None and self.plan.count)
    @rule(dies_at=DIES_AT, how=HOW, stops=st.integers(0, 3))
    def apply(self, dies_at, how, stops):
        plan, self.plan = self.plan, None
        left = iter(range(stops))

        def on_progress(progress):
            if stops and next(left, None) is None:
                raise Cancelled("enough")

        live = {digest_of(d) for d, _, _ in snapshot(self.world.root)[0].values()}
        self._act(
            dies_at,
            how,
            lambda: apply_plan(
                plan,
                self.world.dataset.records_of,
                disk=self.disk,
                on_progress=on_progress,
            ),
        )
        now = {digest_of(d) for d, _, _ in snapshot(self.world.root)[0].values()}
        for item in plan_items(self.world, plan):
            if item.kept_copy and item.kept_copy.sha256 in live:
                assert item.kept_copy.sha256 in now, "the last copy was moved away"

    @precondition(lambda self: self.world.actions())
    @rule(pick=PICK, dies_at=DIES_AT, how=HOW)
    def undo(self, pick, dies_at, how):
        folders = self.world.actions()
        folder = folders[pick % len(folders)]
        self._act(
            dies_at,
            how,
            lambda: undo_action(folder, self.world.dataset.records_of, disk=self.disk),
        )

    @precondition(lambda self: self.world.actions())
    @rule(dies_at=DIES_AT, how=HOW, rarely=st.integers(0, 3))
    def purge(self, dies_at, how, rarely):
        if rarely:
            return
        plan = plan_purge(self.world.quarantine, older_than_days=0)
        self.disturbed |= plan.count > 0
        self._act(
            dies_at,
            how,
            lambda: purge(plan, self.world.dataset.records_of, disk=self.disk),
        )

    @rule()
    def recover(self):
        self.settle()
        self.samples_follow_their_files()

    # What the person does

    @rule(pick=PICK, data=st.binary(min_size=1, max_size=9))
    def edit(self, pick, data):
        if path := self._pick(pick):
            self._destroys(path)
            path.write_bytes(data)
            self.made[data] += 1

    @rule(pick=PICK)
    def delete(self, pick):
        if path := self._pick(pick):
            self._destroys(path)
            path.unlink()

    @rule(pick=PICK, name=st.sampled_from(["x.jpg", "y.jpg", "img_0001.jpg"]))
    def rename(self, pick, name):
        path = self._pick(pick)
        if path and not path.with_name(name).exists():
            self.touched |= self._samples_of(path.read_bytes())
            self.disturbed = True
            path.rename(path.with_name(name))

    @rule(pick=PICK, data=st.binary(min_size=1, max_size=9))
    def new_file_at_an_old_place(self, pick, data):
        paths = sorted(self.world.tree)
        path = self.world.root / paths[pick % len(paths)]
        if path.parent.is_dir() and not path.exists():
            self.disturbed = True
            path.write_bytes(data)
            self.made[data] += 1

    # What must hold

    @invariant()
    def nothing_is_lost(self):
        before = Counter(data for data, _, _ in self.world.tree.values())
        expected = before + self.made
        expected.subtract(self.destroyed)
        known = {digest_of(data): data for data in expected}
        expected.subtract(known[digest] for digest in purged(self.world))
        assert +expected - self.world.contents() == Counter()

    @invariant()
    def every_item_is_counted_once(self):
        assert self.tally.all() == []

    def samples_follow_their_files(self):
        assert not any(is_unfinished(folder) for folder in self.world.actions())
        for key, (path, _, _) in self.world.dataset.rows().items():
            if key not in self.touched:
                with open(path, "rb") as file:
                    assert digest_of(file.read()) == self.content[key], key

    def settle(self):
        self.disk.restart()
        with locked_quarantine(self.disk, self.world.quarantine):
            recover(self.disk, self.world.quarantine, self.world.dataset.records_of)

    def _act(self, dies_at, how, act):
        self.disk.restart(Fault("stop", dies_at))
        try:
            with contextlib.suppress(PlanOutdatedError):
                report = act()
                check_report(self.tally, "the report", report)
        except SimulatedKill:
            if how != "kill":
                rng = random.Random(dies_at)
                self.disk.cut(rng, keep_some=how == "partial cut")
        except ActionError as error:
            # An earlier purge took the whole root's folder away, or the like
            raise AssertionError(f"an action was refused: {error}") from error

    def _request(self, path, **more):
        known = {}
        for key, row in self.world.dataset.rows().items():
            known.setdefault(os.path.relpath(row[0], self.world.root), []).append(key)
        self.world.ids = known
        data = snapshot(self.world.root)[0]
        same = [
            other
            for other in sorted(data)
            if other != path and data[other][0] == data[path][0] and other in known
        ]
        more.setdefault("keeper", same[0] if same else None)
        return self.world.request(path, **more)

    def _pick(self, pick):
        """Returns one of the files, in the root or in the quarantine."""
        paths = sorted(self.world.root.rglob("*"))
        paths += sorted(self.world.base.glob(".winnow-quarantine/*/*/files/*"))
        paths = [path for path in paths if path.is_file()]
        return paths[pick % len(paths)] if paths else None

    def _destroys(self, path):
        data = path.read_bytes()
        self.disturbed = True
        self.destroyed[data] += 1
        self.touched |= self._samples_of(data)

    def _samples_of(self, data):
        digest = digest_of(data)
        return {key for key, value in self.content.items() if value == digest}


def plan_items(world, plan):
    for folder in world.actions():
        if folder.plan.id == plan.id:
            done = states(folder)
            yield from (
                item for item in folder.plan.items() if done.get(item.number) == DONE
            )


def purged(world):
    """Yields the SHA-256 of each file that was, or may have been, destroyed."""
    for folder in world.actions():
        for batch in changes(folder, (PURGING, PURGED)):
            yield from (change.item.sha256 for change in batch)


def test_no_life_of_a_data_set_loses_a_file():
    run_state_machine_as_test(
        Life,
        settings=settings(
            max_examples=400 if FULL else 60,
            stateful_step_count=15,
            # Making a long life shorter takes minutes, and it is short enough
            phases=[Phase.generate],
        ),
    )
