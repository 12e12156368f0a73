"""What this process takes, as Linux counts it; on which processor; tables that stay."""

from __future__ import annotations

import os
import platform
import re
from pathlib import Path


def cpu_seconds() -> float:
    """Returns what this process and its children that have ended took."""
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system


def cpu_seconds_of(process: int) -> float:
    """Returns what another process took so far, by its id."""
    after_name = Path(f"/proc/{process}/stat").read_text().rpartition(") ")[2].split()
    return (int(after_name[11]) + int(after_name[12])) / os.sysconf("SC_CLK_TCK")


def instructions() -> str:
    """Returns which integer products the processor does, in the words of tables."""
    flags = set(_cpu_lines("flags")[0].split()) if _cpu_lines("flags") else set()
    if flags & {"avx512_vnni", "avx_vnni"}:
        return "VNNI"
    return "AVX2 without VNNI" if "avx2" in flags else platform.machine()


def processor() -> str:
    """Returns the processor's name."""
    return (_cpu_lines("model name") or [platform.processor()])[0]


def write_section(path: Path, heading: str, text: str) -> None:
    """Writes a section of a table's page in place of the one with its heading.

    The others stay: they were measured on another machine.
    """
    page = path.read_text()
    top, *sections = re.split(r"^## ", page, flags=re.MULTILINE)
    kept = [one for one in sections if not one.startswith(f"{heading}\n")]
    kept.append(f"{heading}\n\n{text.strip()}\n")
    path.write_text(
        top.rstrip() + "".join(f"\n\n## {one.strip()}" for one in kept) + "\n"
    )


def _cpu_lines(name: str) -> list[str]:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return [line.split(":", 1)[1].strip() for line in lines if line.startswith(name)]


def peak_megabytes() -> float:
    """Returns the most that was resident, pages of mapped files included.

    Not ru_maxrss: a child inherits its parent's.
    """
    return _megabytes("VmHWM")


def own_megabytes() -> float:
    """Returns what is resident now and belongs to no file."""
    return _megabytes("RssAnon")


def _megabytes(name: str) -> float:
    status = Path("/proc/self/status").read_text()
    (line,) = (line for line in status.splitlines() if line.startswith(name))
    return int(line.split()[1]) / 1024
