"""A policy: what a data set may hold of each finding, as text a person writes.

Rules are separated by commas, semicolons or line ends::

    no leaks, unreadable = 0, exact duplicates <= 0.1 %, label issues < 2 %

A finding alone, or with ``no``, stands for ``= 0``. A percentage is of all
images of the run, readable or not, or of all objects for a finding of objects.
Findings of the set as a whole are counted one by one, and two numbers of it have
limits of their own::

    no shortcuts, appearance shift AUROC <= 0.6, smallest class >= 50 effective images
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from ..common.text import plain, share_text
from ..errors import InputError
from ..findings import registry
from ..findings.object_registry import OBJECT_FINDINGS
from ..findings.set_registry import SET_FINDINGS

EXAMPLE = "no leaks, unreadable = 0, exact duplicates <= 0.1 %, label issues <= 2 %"

MEASURES: Mapping[str, str] = {"appearance shift auroc": "<=", "smallest class": ">="}
"""Numbers of the set that a rule may limit, and on which side: the AUROC of the two
splits that look most different, and the effective images of the smallest class."""

FINDINGS: Mapping[str, tuple[str, ...]] = {
    words: counts
    for finding in (
        *registry.FINDINGS.values(),
        *SET_FINDINGS.values(),
        *OBJECT_FINDINGS.values(),
    )
    if finding.has_line
    for words, counts in {finding.words: (finding.name,), **finding.parts}.items()
} | dict.fromkeys(MEASURES, ())
"""What a rule may name, and the counts of a scan that it adds up. All count
images but conflicts, which are clusters, findings of the set, which are counted
themselves, and findings of objects; an image with a copy is a duplicate, the one to
keep as well. What is measured has no count."""

COMPARED: Mapping[str, tuple[str, ...]] = {
    name: (name,) for name in ("known", "repeats", "leaks", "unreadable")
}
"""The same of the counts of a comparison: what came in and should not."""

_EXAMPLE = "no leaks, unreadable <= 0.1 %"  # in both languages
_NO_SHARE: Mapping[str, str] = {
    finding.words: finding.unit
    for finding in (*registry.FINDINGS.values(), *SET_FINDINGS.values())
    if finding.unit in ("clusters", "findings")
}
_OBJECTS = [finding.words for finding in OBJECT_FINDINGS.values()]
_UNITS = ("images", "objects")
_ALSO = {"bad images": "image issues"}
_RULE = re.compile(
    r"(?P<no>no\s+)?(?P<words>[^\W\d_]+(?:[\s_-]+[^\W\d_]+)*)\s*"
    r"(?:(?P<comparison><=|<|==?|≤|>=|≥)\s*"
    r"(?P<number>[0-9]+(?:\.[0-9]+)?|\.[0-9]+)\s*(?P<percent>%)?"
    r"(?P<unit>\s*(?:effective\s+)?images)?)?",
    re.IGNORECASE,
)
_COMPARISONS = {"≤": "<=", "≥": ">=", "==": "="}


@dataclass(frozen=True)
class Rule:
    """One rule of a policy.

    Attributes:
        text: as it was written, blanks tidied
        finding: a name of :data:`FINDINGS` or :data:`COMPARED`
        counts: that it adds up
        comparison: ``<=``, ``<``, ``=``, or ``>=`` for what is measured
        limit: a count, or a share of the images from 0 to 1
        percent: whether the limit is a share
    """

    text: str
    finding: str
    counts: tuple[str, ...]
    comparison: str = "="
    limit: Fraction = Fraction(0)
    percent: bool = False

    def holds(self, count: float, images: int) -> bool:
        """True if a count of the finding among so many images is allowed."""
        # Exact: 3 of 3,000 is 0.1 %, which a float may not be
        limit = self.limit * images if self.percent else self.limit
        if self.comparison == ">=":
            return count >= limit
        if self.comparison == "<":
            return count < limit
        return count <= limit if self.comparison == "<=" else count == limit

    def allowed(self, images: int) -> str:
        """Says how many there may be: "none", "at most 3", "exactly 3"."""
        limit = self.limit * images if self.percent else self.limit
        if self.comparison == "=" and limit:
            return f"exactly {float(limit):,.6g} allowed"
        most = math.ceil(limit) - 1 if self.comparison == "<" else math.floor(limit)
        return f"at most {most:,} allowed" if most > 0 else "none allowed"


@dataclass(frozen=True)
class Verdict:
    """What a run says to a rule.

    Attributes:
        rule: that was looked at
        passed: whether it holds
        count: of the finding: images, clusters for conflicts, findings, or objects;
            or the number that was measured
        total: images of the run, or objects for a finding of objects
        not_looked_for: why the run cannot know, or empty
    """

    rule: Rule
    passed: bool
    count: float
    total: int
    not_looked_for: str

    @property
    def unit(self) -> str:
        """What the total counts: ``images`` or ``objects``."""
        return "objects" if self.rule.finding in _OBJECTS else "images"

    def __str__(self) -> str:
        if self.not_looked_for:
            return f"{self.rule.text}: not looked for, {self.not_looked_for}"
        if self.rule.finding in MEASURES:
            return f"{self.rule.text}: {self.count:,.6g}"
        if unit := _NO_SHARE.get(self.rule.finding):
            found = f"{self.count:,} {unit.removesuffix('s') + 's' * (self.count != 1)}"
        else:
            share = share_text(self.count, self.total)
            found = f"{self.count:,} of {self.total:,} {self.unit} ({share})"
        if self.passed:
            return f"{self.rule.text}: {found}"
        return f"{self.rule.text}: {found}, {self.rule.allowed(self.total)}"

    def to_dict(self) -> dict[str, Any]:
        """Returns all of it as plain JSON values."""
        return {
            "rule": self.rule.text,
            "finding": self.rule.finding,
            "comparison": self.rule.comparison,
            "limit": float(self.rule.limit),
            **{
                f"limit_is_share_of_{unit}": self.rule.percent and self.unit == unit
                for unit in _UNITS
            },
            "passed": self.passed,
            "count": self.count,
            **{unit: self.total if self.unit == unit else None for unit in _UNITS},
            "not_looked_for": self.not_looked_for or None,
        }


def parse_policy(
    text: str, known: Mapping[str, tuple[str, ...]] = FINDINGS
) -> tuple[Rule, ...]:
    """Reads the rules of a policy; none of an empty text.

    Args:
        text: of the policy
        known: what a rule may name, and the counts that it adds up

    Raises:
        InputError: a rule that cannot be read, with what is wrong with it
    """
    parts = (" ".join(part.split()) for part in re.split(r"[,;\n]", text))
    return tuple(_rule(part, known) for part in parts if part)


def judge(
    policy: Sequence[Rule],
    counts: Mapping[str, int],
    not_looked_for: Mapping[str, str],
    measures: Mapping[str, float] | None = None,
) -> tuple[Verdict, ...]:
    """Compares a run with a policy.

    Args:
        policy: from :func:`parse_policy`
        counts: of the run, see :func:`core.scan.counts.count_findings`, or of a
            comparison
        not_looked_for: why the run cannot know of a finding, by its name; a rule on
            it does not hold, whatever it says
        measures: by the names of :data:`MEASURES`

    Returns:
        a verdict a rule, in their order
    """
    verdicts = []
    for rule in policy:
        # A run that did not look for objects has no counts of them
        count: float = sum(counts.get(name, 0) for name in rule.counts)
        if rule.finding in MEASURES:
            count = (measures or {}).get(rule.finding, 0)
        total = (
            counts.get("objects", 0) if rule.finding in _OBJECTS else counts["images"]
        )
        unknown = not_looked_for.get(rule.finding, "")
        holds = not unknown and rule.holds(count, total)
        verdicts.append(Verdict(rule, holds, count, total, unknown))
    return tuple(verdicts)


def _rule(text: str, known: Mapping[str, tuple[str, ...]]) -> Rule:
    found = _RULE.fullmatch(text)
    if found is None:
        raise InputError(_why_not(text))
    finding = _finding(found["words"], text, known)
    limit, percent = Fraction(found["number"] or 0), found["percent"] is not None
    if found["no"] and found["comparison"]:
        raise InputError(
            f"'{plain(text)}' says 'no' and names a limit. Leave one of them out."
        )
    comparison = _COMPARISONS.get(found["comparison"], found["comparison"] or "=")
    if finding in MEASURES:
        return _limit_on_measure(text, finding, comparison, limit, percent)
    if comparison == ">=" or found["unit"]:
        raise InputError(_why_not(text))
    if percent and (unit := _NO_SHARE.get(finding)):
        of_copies = " of copies" * (unit == "clusters")
        raise InputError(
            f"'{plain(text)}': {finding} are {unit}{of_copies}, not images, so they "
            "have no share of the images. Give a count, for example "
            f"'{finding} <= 3'."
        )
    if percent and limit > 100:
        raise InputError(f"'{plain(text)}': a share of the images is at most 100 %.")
    if not percent and limit.denominator != 1:
        raise InputError(
            f"'{plain(text)}': a count is a whole number. Did you mean "
            f"'{finding} {found['comparison']} {found['number']} %'?"
        )
    if comparison == "<" and not limit:
        raise InputError(
            f"'{plain(text)}' can never hold: nothing is fewer than none. Write "
            f"'no {finding}'."
        )
    return Rule(
        text=text,
        finding=finding,
        counts=known[finding],
        comparison=comparison,
        limit=limit / 100 if percent else limit,
        percent=percent,
    )


def _limit_on_measure(
    text: str, measure: str, comparison: str, limit: Fraction, percent: bool
) -> Rule:
    """Returns a rule on a number that was measured.

    Raises:
        InputError: a limit on the wrong side, or a share
    """
    side = MEASURES[measure]
    if percent or comparison.rstrip("=") != side.rstrip("="):
        example = "0.6" if side == "<=" else "50"
        raise InputError(
            f"'{plain(text)}': {measure} is a number with a limit on one side. Write "
            f"'{measure} {side} {example}'."
        )
    return Rule(text, measure, (), comparison, limit)


def _finding(words: str, text: str, known: Collection[str]) -> str:
    name = " ".join(re.split(r"[\s_-]+", words.lower()))
    for candidate in (name, name.removesuffix(" images"), name.removesuffix(" files")):
        finding = _ALSO.get(candidate, candidate)
        if finding in known:
            return finding
    near = difflib.get_close_matches(name, known, n=1)
    hint = f" Did you mean '{near[0]}'?" if near else ""
    where = "" if words == text else f" in '{plain(text)}'"
    raise InputError(
        f"A policy does not know '{plain(words)}'{where}.{hint} It knows "
        f"{', '.join(known)}."
    )


def _why_not(text: str) -> str:
    shown = plain(text)
    if re.search(r">|!", text):
        return (
            f"'{shown}' is not a rule. A rule is a finding and a limit, with "
            f"<=, < or =, for example '{_EXAMPLE}'."
        )
    if re.fullmatch(r"[0-9.\s]+%?", text):
        return (
            f"'{shown}' is no rule. Numbers are written with a point and without "
            "separators (0.1 %, 1000), since a comma parts two rules."
        )
    return f"'{shown}' is no rule. Write them like this: '{_EXAMPLE}'."
