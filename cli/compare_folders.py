"""Compares a new folder of images with folders or data sets that exist.

    python cli/compare_folders.py [FOLDER] [--against LIST] [--out DIR] [--fail-on LIST]

Each option may also come from the environment (IMAGES, AGAINST, OUT, FAIL_ON),
which is how ``make compare`` passes them on.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys

from scan_folder import (
    BAD_INPUT,
    FOUND_PROBLEMS,
    PLUGIN,
    connected_fiftyone,
    exit_code,
    use_this_checkout,
)


def main() -> int:
    options = _options()
    if not options.folder or not options.against:
        print(
            "Say what is new and what exists: make compare IMAGES=new-folder "
            "AGAINST=folder-or-data-set,another",
            file=sys.stderr,
        )
        return BAD_INPUT
    return exit_code(lambda: _compare(options), "What was embedded is kept.")


def _options() -> argparse.Namespace:
    env = os.environ
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="?", default=env.get("IMAGES") or None)
    parser.add_argument("--against", default=env.get("AGAINST") or "")
    parser.add_argument("--out", default=env.get("OUT") or "winnow-out")
    parser.add_argument("--fail-on", default=env.get("FAIL_ON") or "")
    return parser.parse_args()


def _compare(options: argparse.Namespace) -> int:
    print("Starting FiftyOne and its database ...", flush=True)
    use_this_checkout()
    fo = connected_fiftyone()
    if fo is None:
        return BAD_INPUT
    comparing = importlib.import_module(f"{PLUGIN}.operators._fo.comparing")
    gates = comparing.parse_gates(options.fail_on)
    operator = fo.operators.get_operator("@winnow/curate/compare")
    against = [name.strip() for name in options.against.split(",") if name.strip()]
    report = operator(options.folder, against, out=options.out, progress=True)
    print(f"\n{report}")
    failed = [gate for gate in gates if report.counts[gate]]
    for gate in failed:
        print(f"FAIL_ON: {gate}: {report.counts[gate]:,}", file=sys.stderr)
    return FOUND_PROBLEMS if failed else 0


if __name__ == "__main__":
    sys.exit(main())
