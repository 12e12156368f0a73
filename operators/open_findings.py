"""Opens a part of what a scan of a manifest found, to look at it and act on it."""

from __future__ import annotations

import re
from dataclasses import KW_ONLY, asdict, dataclass, fields
from pathlib import Path

import fiftyone as fo
import fiftyone.operators as foo
import fiftyone.operators.types as types

from ..core.common.result import Result
from ..core.errors import InputError
from ..core.findings.registry import FINDINGS
from ..core.findings.set_registry import SET_FINDINGS
from ..core.progress import OnProgress
from ..core.reading.folders import ImageFile, common_folder
from ..core.scan.apply_thresholds import apply_thresholds
from ..core.scan.settings import ScanSettings
from ..core.scan.stored_scan import save_scan_data
from ..core.sharded_scan.opening import MOST, OpenedJob, open_job
from .adapter.dataset.from_folder import LABEL_FIELD, sample_of
from .adapter.runs.lock import exclusive_run
from .adapter.runs.paths import new_scan_data_path
from .adapter.runs.publish import database_errors_explained, publish
from .adapter.runs.run_record import now
from .adapter.ui.inputs import ask_folder, folder_of
from .adapter.ui.scan_options import ScanOptions
from .adapter.ui.surface import LONG, LongOperator, keywords


@dataclass(frozen=True)
class OpenFindingsOptions:
    """What can be chosen.

    Attributes:
        what ("duplicates"): name of a finding of images or of the set, or the key of
            one finding of the set, as for ``show``
        split (None): only what was found in this split
        label (None): only what was found under this label
        limit (200000): images to load at most: whole groups of copies, the worst
            first, and where there is room the images that they are compared with
        name (None): of the new data set; None for one made of the job and the finding
    """

    what: str = "duplicates"
    _: KW_ONLY
    split: str | None = None
    label: str | None = None
    limit: int = MOST
    name: str | None = None


@dataclass(frozen=True)
class OpenedFindings(Result):
    """What was loaded of a job.

    Attributes:
        dataset: name of the new data set
        what: the finding
        count: images that were loaded
        shown: how many of these have the finding
        found: how many have it in the whole job
        images: of the whole job
        elsewhere: images that were left out since they are not local files
    """

    dataset: str
    what: str
    count: int
    shown: int
    found: int
    images: int
    elsewhere: int

    def summary(self) -> str:
        """Returns the counts in a sentence."""
        left_out = (
            f"; {self.elsewhere:,} are left out, which are not local files"
            if self.elsewhere
            else ""
        )
        return (
            f"{self.count:,} of {self.images:,} images are in the data set "
            f"'{self.dataset}', with {self.shown:,} of the {self.found:,} of "
            f"'{self.what}'{left_out}."
        )


class OpenFindings(LongOperator):
    """``@winnow/curate/open_findings``"""

    @property
    def config(self) -> foo.OperatorConfig:
        return foo.OperatorConfig(
            name="open_findings",
            label="Winnow: open findings of a job",
            description="Load a finding of a scanned manifest as a data set",
            icon="file_open",
            risk_level=types.RiskLevel.MEDIUM,
            **LONG | {"allow_delegated_execution": False},
        )

    @keywords(OpenFindingsOptions, long=True, delegated=False)
    def __call__(
        self, job: str | Path, options: OpenFindingsOptions, on_progress: OnProgress
    ) -> OpenedFindings:
        """Loads a finding of ``make scan MANIFEST=...`` as a data set of its own.

        Whole groups of copies and scenes are loaded, so that the panel, decisions,
        thresholds on copies and all actions on files work as after a scan. Outliers and
        labels keep what the job judged of them beside all its images; clusters are
        numbered anew.

        Example::

            open_findings = foo.get_operator("@winnow/curate/open_findings")
            opened = open_findings("job", "duplicates", name="copies of the job")
            copies = fo.load_dataset(opened.dataset)
            print(opened)

        Args:
            job: OUT of the job

        Returns:
            an :class:`operators.open_findings.OpenedFindings`

        Raises:
            InputError: no finished job, no such finding, or nothing to be shown;
                nothing was made
        """
        job = str(job)
        opened = open_job(
            job,
            options.what,
            split=options.split,
            label=options.label,
            limit=options.limit,
        )
        name = options.name or _name(job, options.what)
        if fo.dataset_exists(name):
            raise InputError(
                f"There is a data set '{name}' already. Give another name=, or delete "
                f"it: fo.delete_dataset({name!r})."
            )
        _load(opened, name, on_progress)
        return OpenedFindings(
            dataset=name,
            what=options.what,
            count=len(opened.paths),
            shown=opened.shown,
            found=opened.found,
            images=opened.summary["counts"]["images"],
            elsewhere=opened.elsewhere,
        )

    def resolve_input(self, ctx: foo.ExecutionContext) -> types.Property:
        inputs = types.Object()
        ask_folder(inputs, "job", "The job: OUT of make scan MANIFEST=...")
        choices = types.Dropdown()
        for finding in (*FINDINGS.values(), *SET_FINDINGS.values()):
            choices.add_choice(finding.name, label=finding.label)
        default = OpenFindingsOptions.what
        inputs.enum(
            "what", choices.values(), default=default, label="Load", view=choices
        )
        inputs.str("split", required=False, label="Only of the split")
        inputs.str("label", required=False, label="Only of the label")
        inputs.int("limit", default=MOST, label="Images at most", min=1, max=MOST)
        inputs.str("name", required=False, label="Name of the new data set")
        return types.Property(
            inputs,
            view=types.PromptView(
                label="Open findings of a job", submit_button_label="Open"
            ),
        )

    def target(self, ctx: foo.ExecutionContext) -> str:
        return folder_of(ctx.params, "job")


def _name(job: str, what: str) -> str:
    slug = re.sub(r"[^A-Za-z0-9._-]+", "-", job.rstrip("/").rpartition("/")[2])
    return f"{slug.strip('-') or 'job'}-{what}"


def _load(opened: OpenedJob, name: str, on_progress: OnProgress) -> None:
    """Makes the data set, whole or not at all."""
    options = ScanOptions(
        **{
            one.name: getattr(opened.settings, one.name) for one in fields(ScanSettings)
        },
        label_field=LABEL_FIELD if any(opened.labels) else None,
        split_by=list(opened.scan_data.samples.split_names) or None,
        model=opened.summary["model"],
    )
    with database_errors_explained():
        dataset = fo.Dataset(name, persistent=True)
        try:
            images = map(ImageFile, opened.paths, opened.splits, opened.labels)
            ids = dataset.add_samples(map(sample_of, images), progress=False)
            folder = common_folder([str(Path(path).parent) for path in opened.paths])
            dataset.info["root"] = folder
            dataset.save()
            with exclusive_run(dataset):
                stored = new_scan_data_path(dataset, None)
                save_scan_data(opened.scan_data, stored)
                publish(
                    dataset,
                    ids,
                    apply_thresholds(opened.scan_data, opened.settings),
                    opened.scan_data,
                    stored,
                    prefix=None,
                    scanned_at=now(),
                    settings=asdict(options),
                    seconds={},
                    on_progress=on_progress,
                )
        except BaseException:
            dataset.delete()
            raise
