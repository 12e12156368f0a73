"""The button above the grid that opens the panel."""

from __future__ import annotations

import fiftyone.operators as foo
import fiftyone.operators.types as types


class Open(foo.Operator):
    """``@winnow/curate/open``"""

    @property
    def config(self) -> foo.OperatorConfig:
        return foo.OperatorConfig(
            name="open",
            label="Winnow: open the panel",
            description="Open the panel: findings, decisions and actions",
            icon="grain",
            risk_level=types.RiskLevel.LOW,
        )

    def resolve_placement(self, ctx: foo.ExecutionContext) -> types.Placement:
        return types.Placement(
            types.Places.SAMPLES_GRID_ACTIONS,
            types.Button(label="Open Winnow", icon="grain", prompt=False),
        )

    def execute(self, ctx: foo.ExecutionContext) -> None:
        ctx.ops.open_panel("winnow", is_active=True, layout="horizontal")
