"""Compares a scan with a policy: a data set check for CI."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import Any

import fiftyone as fo
import fiftyone.operators as foo
import fiftyone.operators.types as types

from ..core.common.result import TableResult
from ..core.common.text import escape_markdown
from ..core.curation.policy import EXAMPLE, FINDINGS, Rule, Verdict, judge, parse_policy
from ..core.errors import CurationError, InputError, StaleRunError
from .adapter.runs.run_record import complete_run
from .adapter.runs.scan_report import report_of
from .adapter.ui.inputs import ask_prefix, prefix_of, show_error
from .adapter.ui.surface import Operator, keywords
from .adapter.views.finding_views import tally


@dataclass(frozen=True)
class AuditOptions:
    """What can be chosen.

    Attributes:
        policy: the rules; :data:`core.curation.policy.FINDINGS` lists the names
            they may use
        prefix (None): prefix of the scan's fields
    """

    policy: str
    _: KW_ONLY
    prefix: str | None = None


@dataclass(frozen=True)
class AuditReport(TableResult):
    """What a run says to a policy.

    Attributes:
        dataset: name of the data set
        run_key: key of the FiftyOne run that was looked at
        images: images or videos of the run; percentages are of these
        kind: which of the two
        verdicts: one per rule, in the policy's order
    """

    dataset: str
    run_key: str
    images: int
    kind: str
    verdicts: tuple[Verdict, ...]

    @property
    def passed(self) -> bool:
        """True if every rule holds."""
        return all(verdict.passed for verdict in self.verdicts)

    @property
    def failed(self) -> tuple[Verdict, ...]:
        """The rules that do not hold."""
        return tuple(one for one in self.verdicts if not one.passed)

    def to_dict(self) -> dict[str, Any]:
        """Returns all of it as plain JSON values."""
        return {
            "dataset": self.dataset,
            "run_key": self.run_key,
            "images": self.images,
            "kind": self.kind,
            "passed": self.passed,
            "rules": self.rows(),
        }

    def rows(self) -> list[dict[str, Any]]:
        """Returns the verdicts, a rule each."""
        return [verdict.to_dict() for verdict in self.verdicts]

    def summary(self) -> str:
        """Returns whether it passed, in a sentence."""
        count, failed = len(self.verdicts), len(self.failed)
        result = "passes" if self.passed else f"fails {failed} of {count} rules"
        return f"{self.dataset} ({self.images:,} {self.kind}) {result}"

    def to_markdown(self) -> str:
        lines = [f"**{escape_markdown(self.summary())}**", ""]
        lines += ["| verdict | rule |", "| :-- | :-- |"]
        lines += [
            f"| {'passed' if one.passed else '**failed**'} "
            f"| {escape_markdown(str(one))} |"
            for one in self.verdicts
        ]
        return "\n".join(lines)

    def __str__(self) -> str:
        lines = [self.summary()]
        lines += [
            f"  {'passed' if one.passed else 'FAILED'}  {one}" for one in self.verdicts
        ]
        return "\n".join(lines)


class Audit(Operator):
    """``@winnow/curate/audit``"""

    form_names = ("problem", "verdicts")

    @property
    def config(self) -> foo.OperatorConfig:
        return foo.OperatorConfig(
            name="audit",
            label="Winnow: compare with a policy",
            description="Check the last scan against limits, such as no leaks",
            icon="fact_check",
            dynamic=True,
            risk_level=types.RiskLevel.LOW,
        )

    @keywords(AuditOptions)
    def __call__(self, dataset: fo.Dataset, options: AuditOptions) -> AuditReport:
        """Compares the last scan of a data set with a policy.

        Rules are separated by commas, semicolons or line ends: ``no leaks``,
        ``unreadable = 0``, ``exact duplicates <= 0.1 %``, ``label issues < 20``. A
        percentage is of all images of the run, or of all objects for a finding of
        objects. Of the set as a whole, ``no shortcuts``, ``appearance shift AUROC <=
        0.6`` and ``smallest class >= 50 effective images`` can be asked. A rule on a
        finding that was not looked for (leaks without splits, label issues without
        labels) fails.

        Example::

            audit = foo.get_operator("@winnow/curate/audit")
            report = audit(dataset, "no leaks, label issues <= 2 %")
            if not report.passed:
                print(report)

        Args:
            dataset: the scanned data set

        Returns:
            one verdict per rule; ``passed`` is True if all rules hold

        Raises:
            InputError: the policy cannot be parsed
            ScanNotFoundError: it was not scanned yet
            StaleRunError: its scan was cut short, or images were added or removed since
        """
        return _audit(dataset, _rules(options.policy), options.prefix)

    def resolve_input(self, ctx: foo.ExecutionContext) -> types.Property:
        inputs = types.Object()
        inputs.str(
            "policy",
            required=True,
            default=EXAMPLE,
            label="Policy",
            description=(
                "Rules, separated by commas. Percentages are of all images. Findings: "
                f"{', '.join(FINDINGS)}"
            ),
        )
        try:
            # Also what it says: a form that waits for a button would say less
            shown = self(
                ctx.dataset,
                ctx.params.get("policy") or EXAMPLE,
                prefix=prefix_of(ctx.params),
            )
        except CurationError as error:
            show_error(inputs, "problem", error)
        else:
            inputs.md(shown.to_markdown(), name="verdicts")
        ask_prefix(inputs, ctx)
        return types.Property(
            inputs,
            view=types.PromptView(
                label="Compare with a policy", submit_button_label="Compare"
            ),
        )

    def execute(self, ctx: foo.ExecutionContext) -> dict[str, Any]:
        report = self.run(ctx)
        return {**report.to_dict(), "text": report.to_markdown()}


def _rules(policy: str) -> tuple[Rule, ...]:
    rules = parse_policy(policy)
    if not rules:
        raise InputError(f"A policy needs at least one rule, for example: {EXAMPLE}")
    return rules


def _audit(
    dataset: fo.Dataset, rules: tuple[Rule, ...], prefix: str | None
) -> AuditReport:
    run = complete_run(dataset, prefix)
    report = report_of(run)
    found = tally(dataset, run, prefix)
    if found.added or found.deleted:
        raise StaleRunError(
            f"'{dataset.name}': {found.added:,} {report.kind} were added "
            f"and {found.deleted:,} removed since the last scan. Scan again "
            f"(only new {report.kind} are read)."
        )
    verdicts = judge(rules, report.counts, report.not_looked_for, report.measures)
    return AuditReport(
        dataset.name, report.run_key, report.counts["images"], report.kind, verdicts
    )
