"""The Nth-call loops: fail at every call of an act, recover, check, undo, check."""

import contextlib
import os
import random
import signal
import subprocess
import sys
import traceback
import warnings
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from core.actions.apply import apply_plan
from core.actions.filesystem import Disk
from core.actions.journal import PURGED
from core.actions.purge import plan_purge, purge
from core.actions.quarantine import RESTORE, locked_quarantine
from core.actions.recovery import recover
from core.actions.session import changes
from core.actions.undo import undo_action
from core.errors import CurationError

from .checks import check_always, check_report, check_settled, purged_contents
from .disks import ERRORS, Fault, FaultyDisk, PowerCutDisk, SimulatedKill
from .world import fresh_world, small_batches


@dataclass(frozen=True)
class Scenario:
    """Something that is done to a world, and fails.

    Attributes:
        name: of it
        prepare: brings a world to where it can be done; returns what it needs
        act: does it, with a disk; returns a report or None
    """

    name: str
    prepare: Callable
    act: Callable


def settle(world, disk=None):
    with locked_quarantine(disk or Disk(), world.quarantine):
        return recover(disk or Disk(), world.quarantine, world.dataset.records_of)


def apply(world, plan, disk):
    return apply_plan(plan, world.dataset.records_of, disk=disk)


def undo_last(world, _, disk):
    return undo_action(world.actions()[-1], world.dataset.records_of, disk=disk)


def purge_planned(world, plan, disk):
    return purge(plan, world.dataset.records_of, disk=disk)


def _quarantined(world):
    apply(world, world.plan_quarantine(), Disk())


def _retagged(world):
    apply(world, world.plan_retag(), Disk())


def _purgeable(world):
    _quarantined(world)
    return plan_purge(world.quarantine, older_than_days=0)


def _cut_short(prepare, act, share):
    """Prepares what a process left that died after a share of its calls."""

    def prepared(world):
        with fresh_world() as other:
            counter = FaultyDisk()
            act(other, prepare(other), counter)
        disk = FaultyDisk(Fault("stop", int(counter.calls * share)))
        state = prepare(world)
        with contextlib.suppress(SimulatedKill):
            act(world, state, disk)

    return prepared


def _recover(world, _, disk):
    settle(world, disk)


ACTS = {
    "apply quarantine": (lambda world: world.plan_quarantine(), apply),
    "apply retag": (lambda world: world.plan_retag(), apply),
    "undo quarantine": (_quarantined, undo_last),
    "undo retag": (_retagged, undo_last),
    "purge": (_purgeable, purge_planned),
}
SCENARIOS = [Scenario(name, *act) for name, act in ACTS.items()] + [
    Scenario(f"recover {name}, dead at {share:.0%}", _cut_short(*act, share), _recover)
    for name, act in ACTS.items()
    for share in (0.55, 0.8)
]


def count_calls(scenario):
    """Returns the names of the calls of an act that nothing disturbs."""
    with fresh_world() as world, small_batches():
        disk = FaultyDisk()
        state = scenario.prepare(world)
        scenario.act(world, state, disk)
    return disk.names


def all_faults(names):
    """Returns every way to fail at every one of some calls."""
    faults = []
    for at, name in enumerate(names, 1):
        faults += [Fault("kill", at, when) for when in ("before", "after")]
        if name == "write":
            faults.append(Fault("kill", at, "half"))
        faults += [Fault("error", at, "before", number) for number in ERRORS]
        if name in ("sync", "rename", "remove", "write"):
            # As a network file system fails: it was done, and says it was not
            faults.append(Fault("error", at, "after", ERRORS[1]))
    return faults


def run_fault(scenario, fault, tally, *, by_script=False, disk_class=FaultyDisk):
    """Fails once, then recovers, checks, undoes and checks again."""
    where = f"{scenario.name}, {fault}"
    with fresh_world() as world, small_batches():
        state = scenario.prepare(world)
        disk = disk_class(fault)
        if fault.what == "kill":
            _run_killed(scenario, world, state, disk, tally, where)
        else:
            _run_failing(scenario, world, state, disk, tally, where)
        check_after(world, tally, where, by_script=by_script)
    kind = "SIGKILL" if fault.what == "kill" else "error"
    tally.points[f"{kind}: {scenario.name.split(',')[0]}"] += 1


def run_power_cut(scenario, at, seed, tally, *, keep_some, disk_class=PowerCutDisk):
    """Cuts the power at a call, then recovers, checks, undoes and checks again."""
    where = f"{scenario.name}, power cut at call {at} (seed {seed}, {keep_some=})"
    with fresh_world() as world, small_batches():
        state = scenario.prepare(world)
        disk = disk_class(Fault("stop", at))
        with contextlib.suppress(SimulatedKill):
            scenario.act(world, state, disk)
        disk.cut(random.Random(seed), keep_some)
        check_after(world, tally, where)
    tally.points[f"power cut: {scenario.name.split(',')[0]}"] += 1


def run_kill_then_power_cut(name, at, then, seed, tally, *, disk_class=PowerCutDisk):
    """Kills the process, lets recovery run, cuts the power while it does."""
    where = f"{name}, killed at {at}, power cut at call {then} of the recovery"
    prepare, act = ACTS[name]
    with fresh_world() as world, small_batches():
        state = prepare(world)
        disk = disk_class(Fault("stop", at))
        with contextlib.suppress(SimulatedKill):
            act(world, state, disk)
        disk.restart(Fault("stop", then))
        with contextlib.suppress(SimulatedKill):
            settle(world, disk)
        disk.cut(random.Random(seed), keep_some=seed % 2 == 1)
        check_after(world, tally, where)
    tally.points[f"kill, then power cut: {name}"] += 1


def check_after(world, tally, where, *, by_script=False):
    """Checks as it is, settled, and undone."""
    try:
        check_always(world, tally, where, purged_contents(world))
        settle(world)
        check_settled(world, tally, f"{where}, recovered", purged_contents(world))
        if by_script:
            run_restore_scripts(world)
        forget_purged(world)
        for folder in reversed(world.actions()):
            report = undo_action(folder, world.dataset.records_of)
            check_report(tally, where, report)
            if report.conflicts or report.stopped:
                tally.add("inexact undo", where, [str(report)])
        check_settled(world, tally, f"{where}, undone", Counter())
        tally.add("inexact undo", where, world.differences())
    except Exception:  # noqa: BLE001 - whatever it is, it is a finding
        tally.add("other", where, [traceback.format_exc()])


def run_restore_scripts(world, check=True):
    """Runs each action's restore.py with a Python that knows no packages."""
    for folder in reversed(world.actions()):
        command = [sys.executable, "-I", "-S", str(folder.path / RESTORE), "--apply"]
        done = subprocess.run(command, capture_output=True, text=True, cwd="/")
        if check and done.returncode:
            raise AssertionError(done.stdout + done.stderr)


def forget_purged(world):
    """From now on what a purge destroyed is not expected to come back."""
    destroyed = set()
    for folder in world.actions():
        if folder.journal.exists():
            for batch in changes(folder, (PURGED,)):
                destroyed |= {change.item.source for change in batch}
    for path in destroyed:
        del world.tree[path]
        for key in world.ids[path]:
            del world.rows[key]


def _run_killed(scenario, world, state, disk, tally, where):
    with warnings.catch_warnings():
        # Other tests of this process may have started threads
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        code = 3
        try:
            scenario.act(world, state, disk)
            code = 0
        except BaseException:  # noqa: BLE001 - nothing may leave the child
            traceback.print_exc()
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    if not os.WIFSIGNALED(status) or os.WTERMSIG(status) != signal.SIGKILL:
        tally.add("other", where, [f"the child was not killed: {status}"])


def _run_failing(scenario, world, state, disk, tally, where):
    try:
        report = scenario.act(world, state, disk)
    except CurationError:
        # A sentence for a person
        pass
    except OSError:
        tally.add("other", where, [traceback.format_exc()])
    else:
        if report is not None:
            check_report(tally, where, report)
    if not disk.fired:
        tally.add("other", where, ["the fault was never reached"])


def spread(faults, most):
    """Returns at most so many of them, evenly over all."""
    if len(faults) <= most:
        return list(faults)
    return [faults[number * len(faults) // most] for number in range(most)]


def run_scenario(scenario, most, tally):
    """Kills and fails a scenario at calls spread over it."""
    faults = spread(all_faults(count_calls(scenario)), most)
    for number, fault in enumerate(faults):
        # Undone by the script every few times: it starts a Python of its own
        run_fault(scenario, fault, tally, by_script=number % 8 == 3)


def run_power_cuts(scenario, most, tally):
    """Cuts the power at calls spread over a scenario, in two ways each."""
    calls = range(1, len(count_calls(scenario)) + 1)
    for at in spread(calls, most):
        for keep_some in (False, True):
            run_power_cut(scenario, at, at, tally, keep_some=keep_some)


def run_kills_then_power_cuts(name, most, tally):
    """Kills an act at calls spread over it, and cuts the power in the recovery."""
    scenario = next(scenario for scenario in SCENARIOS if scenario.name == name)
    calls = len(count_calls(scenario))
    for at in spread(range(calls // 3, calls + 1), most):
        for then in spread(range(1, 60), most):
            run_kill_then_power_cut(name, at, then, at * 100 + then, tally)
