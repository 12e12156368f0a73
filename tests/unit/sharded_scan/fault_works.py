"""Works for tests of faults; Ray's worker processes import this file by its name."""

import os
import signal
from pathlib import Path

from core.sharded_scan import describing
from core.sharded_scan.job_folder import unpacked

READ = "fault_works:read"


def read(folder, task, settings, arrays, on_progress):
    """Reads a shard, and notes that it began; dies of a picture that is called deadly.

    If the folder has a file ``kill-once``, the first to find it dies in the middle.
    """
    with open(folder.here / "starts", "a") as file:
        file.write(f"{task}\n")
    if any(b"deadly" in one for one in unpacked(arrays, "locators")):
        os.kill(os.getpid(), signal.SIGKILL)

    def dies_once(progress):
        on_progress(progress)
        try:
            Path(folder.here / "kill-once").unlink()
        except FileNotFoundError:
            return None
        return os.kill(os.getpid(), signal.SIGKILL)

    return describing.run(folder, task, settings, arrays, dies_once)
