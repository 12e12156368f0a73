"""Form parts that several operators share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import fiftyone.operators as foo
import fiftyone.operators.types as types

from ....core.errors import CurationError, InputError
from ....core.findings.object_registry import OBJECT_FINDINGS
from ....core.findings.registry import FINDINGS
from ....core.findings.set_registry import SET_FINDINGS
from ..runs.run_record import complete_run, finished_runs
from ..views.finding_views import tally

SELECTED, VIEW = "selected", "view"


def show_error(inputs: types.Object, name: str, error: CurationError) -> None:
    """Shows the sentence and disables the form's button."""
    refusal = inputs.view(name, types.Warning(label=str(error)))
    refusal.invalid = True
    refusal.error_message = str(error)


def counts_now(ctx: foo.ExecutionContext) -> dict[str, int]:
    """Returns how many images each finding has.

    Raises:
        ScanNotFoundError: it was not scanned yet
        StaleRunError: its scan was cut short, or is out of date
    """
    prefix = prefix_of(ctx.params)
    run = complete_run(ctx.dataset, prefix)
    return dict(tally(ctx.dataset, run, prefix).counts)


def object_choices(ctx: foo.ExecutionContext, choices: types.Dropdown) -> None:
    """Adds the findings of objects that the last scan counted, if it did.

    Raises:
        ScanNotFoundError: it was not scanned yet
        StaleRunError: its scan was cut short, or is out of date
    """
    run = complete_run(ctx.dataset, prefix_of(ctx.params))
    if run.objects is None:
        return
    for what, finding in OBJECT_FINDINGS.items():
        choices.add_choice(
            what,
            label=f"{finding.label} ({run.report['counts'][what]:,})",
            description=finding.description.capitalize(),
        )


def set_choices(ctx: foo.ExecutionContext, choices: types.Dropdown) -> None:
    """Adds the findings of the set as a whole, one by one.

    Raises:
        ScanNotFoundError: it was not scanned yet
        StaleRunError: its scan was cut short, or is out of date
    """
    run = complete_run(ctx.dataset, prefix_of(ctx.params))
    for found in run.report.get("overview", {}).get("findings", ()):
        choices.add_choice(
            found["key"],
            label=f"{SET_FINDINGS[found['kind']].label}: {found['key']} "
            f"({found['count']:,})",
            description=found["text"],
        )


def finding_choices(counts: Mapping[str, int]) -> types.Dropdown:
    """Returns the findings with their counts."""
    choices = types.Dropdown()
    for what, finding in FINDINGS.items():
        choices.add_choice(
            what,
            label=f"{finding.label} ({counts[what]:,})",
            description=finding.description.capitalize(),
        )
    return choices


def ask_finding(
    inputs: types.Object,
    ctx: foo.ExecutionContext,
    label: str,
    *,
    of_parts: bool = False,
) -> bool:
    """Asks for a finding of the last scan; False if there is none to ask of.

    Args:
        inputs: of the form
        ctx: of the call
        label: what is asked
        of_parts: whether findings of objects and of the set can be chosen as well
    """
    try:
        choices = finding_choices(counts_now(ctx))
        if of_parts:
            object_choices(ctx, choices)
            set_choices(ctx, choices)
    except CurationError as error:
        show_error(inputs, "run", error)
        return False
    inputs.enum("what", choices.values(), required=True, label=label, view=choices)
    return True


def ask_several(
    inputs: types.Object, name: str, choices: Iterable[str], **more: Any
) -> None:
    """Asks for any number of choices.

    Args:
        inputs: of the form
        name: of the list
        choices: the values; or their labels by value
        **more: as for every input: ``label``, ``default``, ``description`` ...
    """
    labels = choices if isinstance(choices, Mapping) else {one: one for one in choices}
    view = types.DropdownView(multiple=True)
    for value, label in labels.items():
        view.add_choice(value, label=label)
    inputs.list(name, types.String(), view=view, **more)


NONE = "(none)"
"""In a dropdown, the choice that stands for None."""


def ask_one(
    inputs: types.Object,
    name: str,
    labels: Mapping[str, str],
    *,
    none: str,
    default: str | None = None,
    **texts: str,
) -> None:
    """Asks for one of some values, or none.

    Args:
        inputs: of the form
        name: of the input
        labels: value -> what the form calls it
        none: what the form calls None
        default: value that is chosen at first; None for none
        texts: label and description
    """
    choices = types.Dropdown()
    for value, label in {NONE: none, **labels}.items():
        choices.add_choice(value, label=label)
    inputs.enum(name, choices.values(), default=default or NONE, view=choices, **texts)


def one_of(value: Any) -> Any:
    """Returns what :func:`ask_one` or a caller chose, None for none."""
    return None if value in (None, "", NONE) else value


def without_none(params: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """Returns params without those names whose value stands for None."""
    return {
        name: value
        for name, value in params.items()
        if name not in names or one_of(value) is not None
    }


def ask_folder(
    inputs: types.Object, name: str, label: str, *, required: bool = True, **more: Any
) -> None:
    """Asks for a folder; :func:`folder_of` reads it."""
    view = types.FileExplorerView(
        choose_dir=True, button_label="Choose a folder", choose_button_label="Choose"
    )
    inputs.file(name, required=required, label=label, view=view, **more)


def ask_prefix(inputs: types.Object, ctx: foo.ExecutionContext) -> None:
    """Asks which scan, where there are several."""
    prefixes = list(finished_runs(ctx.dataset))
    if len(prefixes) < 2 and not ctx.params.get("prefix"):
        return
    choices = types.Dropdown()
    for prefix in prefixes:
        choices.add_choice(prefix or "", label=prefix or "without a prefix")
    inputs.enum(
        "prefix",
        choices.values(),
        default=ctx.params.get("prefix") or prefixes[0] or "",
        label="Scan",
        description="There are several scans: which one's findings",
        view=choices,
    )


def prefix_of(params: Mapping[str, Any]) -> str | None:
    """Returns the prefix that a form or a caller gave."""
    return params.get("prefix") or None


def folder_of(params: Mapping[str, Any], name: str = "output_dir") -> str:
    """Returns the folder that a form or a caller gave; "" for none."""
    folder = params.get(name) or ""
    # The file explorer sends a dict, callers from Python send a path
    return folder.get("absolute_path") or "" if isinstance(folder, dict) else folder


def new_folder(text: str | Path) -> Path:
    """Returns the folder to write into: one that is not there, or is empty.

    Raises:
        InputError: something is there that could be overwritten or mixed up
    """
    if not str(text).strip():
        raise InputError("Choose a folder to write into.")
    folder = Path(text).expanduser().absolute()
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(
            f"{folder} already exists and is not an empty folder. Choose a new one: "
            "nothing is written among files that are there."
        )
    return folder
