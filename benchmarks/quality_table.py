"""Puts the scores of all tools into one table a bench."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any, Protocol

Numbers = dict[str, float]
TOOLS = ("fastdup", "brain", "cleanvision", "imagededup", "datalab")
NAMES = {
    "winnow": "Winnow",
    "slow": "slow setting",
    "fastdup": "fastdup",
    "brain": "FiftyOne Brain",
    "cleanvision": "CleanVision",
    "imagededup": "imagededup",
    "datalab": "Datalab",
}
ROWS = (
    ("exact copies", "precision", "exact copies, precision"),
    ("exact copies", "recall", "exact copies, recall"),
    ("copies", "f1", "all copies, F1"),
    ("copies", "precision", "all copies, precision"),
    ("copies", "recall of near copies", "near copies, recall"),
    ("copies", "wrong pairs", "wrong pairs"),
    ("copies", "wrong removals", "images lost by keeping one of each cluster"),
    ("leaks", "f1", "leaks, F1"),
    ("leaks", "precision", "leaks, precision"),
    ("leaks", "recall", "leaks, recall"),
    ("outliers", "AUROC", "outliers, AUROC"),
    ("outliers", "AP", "outliers, average precision"),
    ("labels", "AP", "wrong labels, average precision"),
    ("labels", "precision", "wrong labels, precision at the number planted"),
    ("labels", "suggestion", "wrong labels, right label suggested"),
    ("dark", "recall", "dark, recall"),
    ("dark", "false positives", "dark, false positives"),
    ("bright", "recall", "bright, recall"),
    ("bright", "false positives", "bright, false positives"),
    ("blurry", "recall", "blurry, recall"),
    ("blurry", "false positives", "blurry, false positives"),
    ("unreadable", "found", "unreadable files named"),
    ("unreadable", "wrongly", "good files called unreadable"),
)
_LOW_IS_GOOD = ("wrong pairs", "wrong removals", "false positives", "wrongly")
_COUNTS = ("wrong pairs", "wrong removals", "wrongly")
_PARTNERS = {
    ("copies", "precision"): "recall of near copies",
    ("copies", "recall of near copies"): "precision",
    ("copies", "wrong pairs"): "recall of near copies",
    ("copies", "wrong removals"): "recall of near copies",
    ("leaks", "precision"): "recall",
    ("leaks", "recall"): "precision",
    ("unreadable", "wrongly"): "found",
    **{
        (issue, number): partner
        for issue in ("dark", "bright", "blurry")
        for number, partner in (
            ("recall", "false positives"),
            ("false positives", "recall"),
        )
    },
}
"""A number that can be bought with its partner: who flags nothing is never wrong.
Winnow is compared with those that are as good at the partner."""


_AS_GOOD = {
    "recall": "as much recall",
    "recall of near copies": "as much recall",
    "precision": "as good a precision",
    "false positives": "as few false positives",
    "found": "as many named",
}


class Scored(Protocol):
    """One answer of a tool; see :class:`quality.Scored`."""

    tool: str
    task: str
    setting: str
    default: bool
    numbers: Numbers


def head_lines(
    today: date, versions: Mapping[str, str], benches: Sequence[Path]
) -> list[str]:
    listed = ", ".join(f"{name} {version}" for name, version in versions.items())
    command = "make bench-quality BENCH=" + " ".join(bench.name for bench in benches)
    return [
        "# Quality on planted truth",
        "",
        f"{today}, `{command}`. {listed}.",
        "",
        "Winnow at its defaults, and for what speed costs without what makes it fast "
        "(*slow setting*: a network of 32-bit numbers, every JPEG decoded at full "
        "size); the others *at their defaults / at the best of the "
        "settings that were tried, chosen by the truth*. Brain and Datalab are given "
        "Winnow's embeddings. How each is asked stands at the head of "
        "`benchmarks/rivals/*_run.py`, what is counted in "
        "`benchmarks/planted_truth.py`: pairs of one source and pairs that look the "
        "same are neither right nor wrong, since nobody planted them. The last column "
        "compares Winnow with the best number of the row, whoever has it. A number "
        "that can be bought (precision with recall, recall with false positives) is "
        "compared with the answers that are as good as Winnow at what buys it.",
    ]


def bench_lines(
    name: str,
    images: int,
    scored: Sequence[Scored],
    extras: Mapping[str, Any],
    best_at: Mapping[str, str],
    reasons: Mapping[str, str],
) -> list[str]:
    winnow = {one.task: one.numbers for one in scored if one.tool == "winnow"}
    slow = {one.task: one.numbers for one in scored if one.tool == "slow"}
    best = {
        (tool, task): max(
            (one for one in scored if (one.tool, one.task) == (tool, task)),
            key=lambda one: one.numbers.get(best_at[task], 0),
            default=None,
        )
        for tool in TOOLS
        for task in best_at
    }
    default = {
        (one.tool, one.task): one for one in scored if one.default and one.tool in TOOLS
    }
    lines = [
        "",
        f"## {name}: {images:,} images",
        "",
        f"| | {NAMES['winnow']} | {NAMES['slow']} | "
        + " | ".join(NAMES[tool] for tool in TOOLS)
        + " | Winnow against the best |",
        "| :-- | --: | --: |" + " --: |" * len(TOOLS) + " :-- |",
    ]
    for task, number, title in ROWS:
        own = winnow[task].get(number)
        cells = [
            _cell(number, default.get((tool, task)), best[tool, task]) for tool in TOOLS
        ]
        partner = _PARTNERS.get((task, number))
        answers = _answers(task, number, default, best)
        rivals = [
            one.numbers[number]
            for one in answers
            if partner is None or not _worse(partner, one.numbers, winnow[task])
        ]
        verdict = _verdict(number, own, rivals, partner)
        elsewhere = _best(number, [one.numbers[number] for one in answers])
        without = own is not None and len(rivals) < len(answers)
        if without and _worse(number, {number: own}, {number: elsewhere}):
            verdict += f" ({_text(number, elsewhere)} is of one without that)"
        if verdict.startswith("behind"):
            verdict += "; " + reasons.get(title, "no reason is known")
        slowly = _text(number, slow.get(task, {}).get(number))
        cells = [_text(number, own), slowly, *cells, verdict]
        lines.append(f"| {title} | " + " | ".join(cells) + " |")
    lines += ["", "Best settings: " + _settings(best, default) + ".", ""]
    lines += _transform_lines(extras["recall by transform"], extras["expected"])
    lines += _ablation_lines(extras["ablation"])
    return lines


def _answers(
    task: str, number: str, default: Mapping[Any, Any], best: Mapping[Any, Any]
) -> list[Scored]:
    """Returns the answers of the others that have a number."""
    return [
        one
        for tool in TOOLS
        for one in {
            id(one): one
            for one in (default.get((tool, task)), best.get((tool, task)))
            if one is not None and number in one.numbers
        }.values()
    ]


def _worse(number: str, theirs: Numbers, own: Numbers) -> bool:
    sign = -1 if number in _LOW_IS_GOOD else 1
    # Rates that one image in 100,000 could change are equal
    return sign * theirs[number] < sign * own[number] - 1e-5


def _cell(number: str, default: Scored | None, best: Scored | None) -> str:
    if best is None or number not in best.numbers:
        return ""
    text = _text(number, best.numbers[number])
    if default is None:
        return f"- / {text}"
    first = _text(number, default.numbers.get(number))
    return first if best is default else f"{first} / {text}"


def _text(number: str, value: float | None) -> str:
    if value is None:
        return ""
    if number in _COUNTS:
        return f"{value:,.0f}"
    return f"{value:.4f}" if number == "false positives" else f"{value:.3f}"


def _verdict(
    number: str, own: float | None, rivals: Sequence[float], partner: str | None
) -> str:
    if own is None:
        return ""
    if not rivals:
        return f"ahead: no other has {_AS_GOOD[partner]}" if partner else "ahead"
    other = _best(number, rivals)
    ahead = other - own if number in _LOW_IS_GOOD else own - other
    if abs(ahead) < 5e-5:
        return "equal"
    among = f" among those with {_AS_GOOD[partner]}" if partner else ""
    size = _text(number, abs(ahead))
    return f"ahead by {size}{among}" if ahead > 0 else f"behind by {size}{among}"


def _best(number: str, values: Sequence[float]) -> float:
    if not values:
        return 0.0
    return min(values) if number in _LOW_IS_GOOD else max(values)


def _settings(best: Mapping[Any, Any], default: Mapping[Any, Any]) -> str:
    return "; ".join(
        f"{NAMES[tool]} for {task}: {one.setting}"
        for (tool, task), one in best.items()
        if one is not None and one is not default.get((tool, task))
    )


def _transform_lines(
    found: Mapping[str, tuple[int, int]], expected: Mapping[str, Any]
) -> list[str]:
    hits = sum(hit for hit, _ in found.values())
    planted = sum(count for _, count in found.values())
    listed = ", ".join(f"{name} {hit}/{count}" for name, (hit, count) in found.items())
    by_change = ", ".join(
        f"{name} {recall:.2f}"
        for name, recall in expected["copy_recall_by_change"].items()
    )
    return [
        f"Near copies found by Winnow: {hits}/{planted} = {hits / planted:.3f}; "
        f"{listed}.",
        "",
        f"Expected by Winnow itself, from {expected['copies_tried']} known copies of "
        f"the same images: {_interval(expected, 'copy_recall')} with one change, "
        f"{_interval(expected, 'composed_copy_recall')} with two to five, "
        f"{_interval(expected, 'covered_copy_recall')} with something over them; "
        f"{by_change}.",
        "",
    ]


def _interval(expected: Mapping[str, Any], name: str) -> str:
    low, high = expected[f"{name}_interval"]
    return f"{expected[name]:.3f} ({low:.3f} to {high:.3f})"


def _ablation_lines(ablation: Mapping[str, Numbers]) -> list[str]:
    return [
        "| outlier distance of | AUROC | average precision |",
        "| :-- | --: | --: |",
        *(
            f"| {name} | {numbers['AUROC']:.3f} | {numbers['AP']:.3f} |"
            for name, numbers in ablation.items()
        ),
        "",
        "The second round is left out because it makes every score depend on who else "
        "is strange; the distance within the class because it calls wrong labels "
        "outliers, and the planted outliers have their labels by chance.",
    ]
