"""The folder command: loads a folder of images, scans it, writes the findings.

    python cli/scan_folder.py [FOLDER] [--out DIR] [--app] [--fail-on POLICY]

Each option may also come from the environment (IMAGES, OUT, APP,
IGNORED_CHANGES, FAIL_ON), which is how ``make scan`` passes them on.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import os
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from core.folders import FolderListing, describe, list_images  # noqa: E402
from core.policy import Rule, judge, parse_policy  # noqa: E402
from core.progress import silent  # noqa: E402

PLUGIN = "fiftyone.plugins.orgs.winnow.curate"
FOUND_PROBLEMS, BAD_INPUT, FAILED, INTERRUPTED = 1, 2, 3, 130


def main() -> int:
    options = _options()
    goes_on = "What was embedded is kept: the next scan goes on from there."
    return exit_code(lambda: _load_and_scan(options), goes_on)


def exit_code(work: Callable[[], int], after_interrupt: str) -> int:
    """Runs a command and says in a sentence what ended it early.

    Args:
        work: returns the exit code
        after_interrupt: what a person should know after Ctrl-C
    """
    try:
        return work()
    except KeyboardInterrupt:
        print(f"\nStopped. {after_interrupt}", file=sys.stderr)
        return INTERRUPTED
    except Exception as error:
        # The plugin's classes are not these: FiftyOne imports it by another name
        if any(kind.__name__ == "CurationError" for kind in type(error).__mro__):
            print(f"\n{error}", file=sys.stderr)
            return BAD_INPUT
        # Not Python's own 1, which would say that problems were found
        traceback.print_exc()
        return FAILED


def _load_and_scan(options: argparse.Namespace) -> int:
    # Before FiftyOne is started: what is mistyped is said at once
    policy = parse_policy(options.fail_on)
    listing = list_images(options.folder or _demo_folder())
    print(describe(listing))
    print("Starting FiftyOne and its database ...", flush=True)
    use_this_checkout()
    fiftyone = connected_fiftyone()
    if fiftyone is None:
        return BAD_INPUT
    report = _scan(options, listing, fiftyone)
    return gate(policy, report.counts, report.not_looked_for)


def _demo_folder() -> Path:
    from demo_images import make_demo_images

    print("No IMAGES given: using photographs that the packages ship.")
    return make_demo_images(ROOT / "winnow-demo")


def _options() -> argparse.Namespace:
    env = os.environ
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="?", default=env.get("IMAGES") or None)
    parser.add_argument("--out", type=Path, default=env.get("OUT") or "winnow-out")
    parser.add_argument("--app", action="store_true", default=bool(env.get("APP")))
    ignored = env.get("IGNORED_CHANGES") or ""
    parser.add_argument("--ignored-changes", default=ignored)
    parser.add_argument("--fail-on", default=env.get("FAIL_ON") or "")
    return parser.parse_args()


def use_this_checkout() -> None:
    """Makes FiftyOne load this working copy, and nothing else, as its plugin.

    In this process and those that it starts: your own FiftyOne has its own plugins.
    """
    # FiftyOne looks into the folder itself first, and no further if that is a plugin
    os.environ["FIFTYONE_PLUGINS_DIR"] = str(ROOT)
    os.environ.setdefault("FIFTYONE_DATABASE_VALIDATION", "false")
    os.environ.setdefault("FIFTYONE_DO_NOT_TRACK", "true")


def connected_fiftyone() -> ModuleType | None:
    """Imports FiftyOne, starts its database and loads the plugin."""
    import fiftyone as fo
    from fiftyone.core.config import FiftyOneConfigError
    from pymongo.errors import PyMongoError

    try:
        fo.list_datasets()
    except (ConnectionError, FiftyOneConfigError, PyMongoError) as error:
        print(
            "FiftyOne's database does not answer, so nothing was done. If you set "
            "FIFTYONE_DATABASE_URI, check that a MongoDB runs there; if not, remove "
            f"the virtual environment and set up again. ({error})",
            file=sys.stderr,
        )
        return None
    fo.operators.list_operators()
    return fo


def gate(
    policy: Sequence[Rule], counts: Mapping[str, int], not_looked_for: Mapping[str, str]
) -> int:
    """Says which rules of a policy do not hold; returns the exit code."""
    verdicts = judge(policy, counts, not_looked_for)
    for verdict in verdicts:
        if verdict.not_looked_for or not verdict.passed:
            print(f"FAIL_ON: {verdict}", file=sys.stderr)
    passed = all(verdict.passed for verdict in verdicts)
    return 0 if passed else FOUND_PROBLEMS


def _scan(options: argparse.Namespace, listing: FolderListing, fo: ModuleType) -> Any:
    adapter = f"{PLUGIN}.operators._fo"
    folders = importlib.import_module(f"{adapter}.folders")
    outputs = importlib.import_module(f"{adapter}.outputs")
    written = importlib.import_module(f"{adapter}.reporting.written")
    data = folders.load_folder(listing, progress=True)
    if data.gone:
        print(
            f"{data.gone:,} files are gone since the last run; their samples stay in "
            f"the data set, tagged '{folders.GONE_TAG}'"
        )
    report = fo.operators.get_operator("@winnow/curate/scan")(
        data.view,
        label_field=folders.label_field_of(listing),
        split_by=folders.split_tags_of(listing),
        ignored_changes=options.ignored_changes.replace(",", " ").split(),
        progress=True,
    )
    report = outputs.with_files_not_held(report, data)
    options.out.mkdir(parents=True, exist_ok=True)
    outputs.write_findings_file(data, listing, options.out / "findings.jsonl")
    outputs.write_summary_file(report, options.out / "summary.json")
    print(f"\n{report}\n", flush=True)
    written.write_report(
        data.dataset,
        options.out,
        prefix=None,
        top=written.DEFAULT_TOP,
        on_progress=silent,
        scan_report=report,
    )
    print(f"Written: {options.out}/report.html, also as report.md and report.json;")
    print("         findings.jsonl and summary.json")
    print(f"In FiftyOne: fo.load_dataset({data.dataset.name!r})")
    if options.app:
        print("The App runs until you press Ctrl-C.", flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            fo.launch_app(data.dataset).wait(-1)
    return report


if __name__ == "__main__":
    sys.exit(main())
