"""The folder command: loads a folder of images, scans it, writes the findings.

    python cli/scan_folder.py [FOLDER] [--splits LIST] [--classes LIST]
                              [--layout PATTERN] [--follow-links]
                              [--annotations FILE_OR_FOLDER]
                              [--out DIR] [--app] [--fail-on POLICY]
                              [--max-megapixels NUMBER] [--title TEXT] [--top NUMBER]

Each option may also come from the environment (IMAGES, SPLITS, CLASSES, LAYOUT,
FOLLOW_LINKS, ANNOTATIONS, OUT, APP, IGNORED_CHANGES, FAIL_ON, MAX_MEGAPIXELS, TITLE,
TOP), which is how ``make scan`` passes them on.
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

from first_checks import check_database_folder, check_home, check_machine  # noqa: E402
from folder_options import add_folder_options, listing_of  # noqa: E402
from show_progress import bars_or_lines, on_terminal  # noqa: E402

from core.common.memory import collector_paused, share_heaps  # noqa: E402
from core.common.text import plain  # noqa: E402
from core.common.writable import FULL_OR_CLOSED  # noqa: E402
from core.curation.policy import Rule, judge, parse_policy  # noqa: E402
from core.errors import CurationError  # noqa: E402
from core.progress import silent  # noqa: E402
from core.reading.folders import FolderListing  # noqa: E402
from core.report.model import DEFAULT_TOP, check_top  # noqa: E402
from core.scan.settings import DEFAULTS, ScanSettings  # noqa: E402

PLUGIN = "fiftyone.plugins.orgs.winnow.curate"
_EQUAL_SHOWN = 5
FOUND_PROBLEMS, BAD_INPUT, FAILED, INTERRUPTED = 1, 2, 3, 130


def main() -> int:
    options = _options()
    # Before FiftyOne starts threads
    share_heaps()
    goes_on = "Embeddings are stored: the next scan continues from there."
    return exit_code(lambda: _load_and_scan(options), goes_on)


def exit_code(work: Callable[[], int], after_interrupt: str) -> int:
    """Runs a command and says in a sentence what ended it early.

    Args:
        work: returns the exit code
        after_interrupt: what a person should know after Ctrl-C
    """
    # A terminal of Windows, or a pipe there, cannot write every name
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")
    try:
        return work()
    except KeyboardInterrupt:
        print(f"\nStopped. {after_interrupt}", file=sys.stderr)
        return INTERRUPTED
    except Exception as error:
        if isinstance(error, _sentences()):
            print(f"\n{error}", file=sys.stderr)
            return BAD_INPUT
        if isinstance(error, OSError) and error.errno in FULL_OR_CLOSED:
            place = f"'{error.filename}'" if error.filename else "A file"
            print(
                f"\n{place} could not be used: {error.strerror}. Make room or give "
                "yourself permission, and start again.",
                file=sys.stderr,
            )
            return FAILED
        # Not Python's own 1, which would say that problems were found
        traceback.print_exc()
        return FAILED


def _sentences() -> tuple[type[Exception], ...]:
    """Returns the base of the errors that are sentences, here and in the plugin.

    FiftyOne imports the plugin, and with it the core, by another name.
    """
    plugin = sys.modules.get(f"{PLUGIN}.core.errors")
    return (CurationError, plugin.CurationError) if plugin else (CurationError,)


def _load_and_scan(options: argparse.Namespace) -> int:
    # Before FiftyOne is started: what is mistyped is said at once
    policy = parse_policy(options.fail_on)
    options.max_megapixels = number(options.max_megapixels)
    ScanSettings(max_megapixels=options.max_megapixels)
    options.top = int(options.top) if str(options.top).isdigit() else options.top
    check_top(options.top)
    check_home()
    folder = options.folder
    if not folder:
        check_machine(options.out, 0)
        folder = _demo_folder()
    listing = listing_of(options, folder)
    check_machine(options.out, len(listing.images))
    fiftyone = connected_fiftyone()
    if fiftyone is None:
        return BAD_INPUT
    report = _scan(options, listing, fiftyone)
    return gate(policy, report.counts, report.not_looked_for, report.measures)


def _demo_folder() -> Path:
    from demo_images import make_demo_images

    print("No IMAGES given: using photographs that the packages ship.")
    return make_demo_images(ROOT / "winnow-demo")


def _options() -> argparse.Namespace:
    env = os.environ
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_folder_options(parser)
    parser.add_argument("--out", type=Path, default=env.get("OUT") or "winnow-out")
    parser.add_argument(
        "--title",
        default=env.get("TITLE") or None,
        help="heading of the report; by default the name of the data set",
    )
    parser.add_argument(
        "--top",
        default=env.get("TOP") or DEFAULT_TOP,
        help="pairs of pictures that each gallery of the report shows",
    )
    parser.add_argument("--app", action="store_true", default=bool(env.get("APP")))
    parser.add_argument(
        "--annotations",
        type=Path,
        default=env.get("ANNOTATIONS") or None,
        help="the boxes of the images: a COCO .json, a YOLO data.yaml, or a folder of "
        "YOLO .txt or VOC .xml files",
    )
    ignored = env.get("IGNORED_CHANGES") or ""
    parser.add_argument("--ignored-changes", default=ignored)
    parser.add_argument("--fail-on", default=env.get("FAIL_ON") or "")
    limit = env.get("MAX_MEGAPIXELS") or DEFAULTS.max_megapixels
    parser.add_argument("--max-megapixels", default=limit)
    return parser.parse_args()


def number(text: str | float) -> str | float:
    """Returns a number; a text that is none, as it is, for its setting to refuse."""
    with contextlib.suppress(ValueError):
        return float(text)
    return text


def use_this_checkout() -> None:
    """Makes FiftyOne load this working copy, and nothing else, as its plugin.

    In this process and those that it starts: your own FiftyOne has its own plugins.
    """
    # FiftyOne looks into the folder itself first, and no further if that is a plugin
    os.environ["FIFTYONE_PLUGINS_DIR"] = str(ROOT)
    os.environ.setdefault("FIFTYONE_DATABASE_VALIDATION", "false")
    os.environ.setdefault("FIFTYONE_DO_NOT_TRACK", "true")


def connected_fiftyone() -> ModuleType | None:
    """Imports FiftyOne, starts its database and loads this checkout as its plugin."""
    print("Starting FiftyOne and its database ...", flush=True)
    use_this_checkout()
    # The collector would search five times what stays: 0.7 of 4.5 CPU seconds
    with collector_paused():
        return _answering_fiftyone()


def _answering_fiftyone() -> ModuleType | None:
    """Returns FiftyOne with our operators loaded; None if its database is silent."""
    import fiftyone as fo

    check_database_folder(fo)
    try:
        fo.list_datasets()
    # A zoo of types, from FiftyOne, pymongo and the process that did not start
    except Exception as error:
        print(
            "FiftyOne's database does not answer, so nothing was done. If you set "
            "FIFTYONE_DATABASE_URI, check that a MongoDB runs there; if not, look "
            f"whether '{fo.config.database_dir}' is yours and has space, or remove the "
            f"virtual environment and set up again. ({error})",
            file=sys.stderr,
        )
        return None
    fo.operators.list_operators()
    return fo


def gate(
    policy: Sequence[Rule],
    counts: Mapping[str, int],
    not_looked_for: Mapping[str, str],
    measures: Mapping[str, float],
) -> int:
    """Says which rules of a policy do not hold; returns the exit code."""
    verdicts = judge(policy, counts, not_looked_for, measures)
    for verdict in verdicts:
        if not verdict.passed:
            print(f"FAIL_ON: {verdict}", file=sys.stderr)
    passed = all(verdict.passed for verdict in verdicts)
    return 0 if passed else FOUND_PROBLEMS


def _scan(options: argparse.Namespace, listing: FolderListing, fo: ModuleType) -> Any:
    adapter = f"{PLUGIN}.operators.adapter"
    folders = importlib.import_module(f"{adapter}.dataset.from_folder")
    outputs = importlib.import_module(f"{adapter}.runs.folder_outputs")
    written = importlib.import_module(f"{adapter}.report.write")
    data = folders.load_folder(listing, progress=on_terminal())
    if data.gone:
        print(
            f"{data.gone:,} files are gone since the last run. Their samples stay in "
            f"the data set, tagged '{folders.GONE_TAG}'"
        )
    if data.changed:
        print(
            f"{data.changed:,} samples have another split or label than at the last "
            "run, since the folders are understood otherwise"
        )
    objects = _annotate(options.annotations, listing, data.dataset)
    report = fo.operators.get_operator("@winnow/curate/scan")(
        data.view,
        label_field=data.label_field,
        split_by=data.split_tags,
        objects=objects,
        ignored_changes=options.ignored_changes.replace(",", " ").split(),
        progress=bars_or_lines(),
        max_megapixels=options.max_megapixels,
    )
    report = outputs.with_files_not_held(report, data)
    equal = outputs.equal_across_folders(data, listing)
    outputs.write_findings_file(data, listing, options.out / "findings.jsonl")
    if objects:
        outputs.write_objects_file(data, listing, objects, options.out)
    outputs.write_summary_file(report, listing, equal, options.out / "summary.json")
    print(f"\n{report}\n", flush=True)
    _say_what_frames_are_for(report)
    _say_what_is_equal(equal)
    written.write_report(
        data.dataset,
        options.out,
        prefix=None,
        title=options.title,
        top=options.top,
        on_progress=silent,
        scan_report=report,
    )
    print(f"Written: {options.out}/report.html, also as report.md and report.json;")
    files = ["findings.csv", "findings.jsonl", *["objects.jsonl"] * bool(objects)]
    files.append("summary.json")
    print(f"         {', '.join(files[:-1])} and {files[-1]}")
    print(f"In FiftyOne: fo.load_dataset({data.dataset.name!r})")
    if options.app:
        print("The App runs until you press Ctrl-C.", flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            fo.launch_app(data.dataset).wait(-1)
    return report


def _annotate(path: Path | None, listing: FolderListing, dataset: Any) -> str | None:
    """Puts the boxes of annotations on the samples; returns the field of them."""
    if path is None:
        return None
    module = importlib.import_module(f"{PLUGIN}.operators.adapter.dataset.annotations")
    images = [image.path for image in listing.images]
    found = module.read_annotations(path.absolute(), Path(listing.root), images)
    for line in module.describe(found):
        print(plain(line), flush=True)
    if module.annotate(dataset, found):
        print("The annotations changed since the last run: all boxes are read again")
    field: str = module.OBJECT_FIELD
    return field


def _say_what_frames_are_for(report: Any) -> None:
    """Says what can be done with frames of recordings."""
    if not report.counts["sequences"]:
        return
    print(
        "This looks like frames of recordings. In Python, thin(dataset) finds those "
        'that show nothing new, and split(dataset, group_field="winnow_sequence") '
        "keeps each recording in one split."
    )


def _say_what_is_equal(equal: Mapping[tuple[str, str], int]) -> None:
    """Says which equal files lie across folders that may be splits."""
    for (folder, other), count in [*equal.items()][:_EQUAL_SHOWN]:
        print(
            f"Not counted as leaks: {count:,} files in '{plain(folder)}' have the same "
            f"bytes as files in '{plain(other)}'. If these are splits, name them: "
            f"SPLITS={plain(folder)},{plain(other)}"
        )
    if len(equal) > _EQUAL_SHOWN:
        print(f"and so on for {len(equal) - _EQUAL_SHOWN:,} more pairs of folders")


if __name__ == "__main__":
    sys.exit(main())
