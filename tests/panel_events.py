"""Events of the panel, sent as the App sends them, and what each asks of the App."""

import uuid

import fiftyone as fo
import fiftyone.operators as foo
from fiftyone.operators.executor import ExecutionContext, Executor

PANEL = "@winnow/curate/winnow"


class Answer:
    """What an event asked of the App."""

    def __init__(self, requests, state):
        self.requests = [(r.operator_uri, r.params) for r in requests]
        self.state = state

    def one(self, uri):
        (params,) = [params for name, params in self.requests if name == uri]
        return params

    def asked(self, uri):
        return any(name == uri for name, _ in self.requests)

    @property
    def shown(self):
        """The layout: names of parts to their descriptions."""
        return self.one("show_panel_output")["output"]["type"]["properties"]

    @property
    def texts(self):
        return " ".join(_texts(self.one("show_panel_output")["output"]))

    @property
    def data(self):
        return {
            key: value
            for name, params in self.requests
            if name == "patch_panel_data"
            for key, value in params["data"].items()
        }

    def rows(self, table):
        """The rows of a table; its name ends with their number."""
        (rows,) = [
            value
            for name, value in self.data.items()
            if name.rpartition("_")[0] == table
        ]
        return rows

    def view(self, dataset):
        return fo.DatasetView._build(dataset, self.one("set_view")["view"])


def _texts(part):
    if isinstance(part, dict):
        for key, value in part.items():
            if key in ("default", "label") and isinstance(value, str):
                yield value
            yield from _texts(value)
    elif isinstance(part, list):
        for one in part:
            yield from _texts(one)


def sender(dataset):
    """Returns what sends an event: ``send("choose_tab", tab="leaks")``."""
    panel, state = uuid.uuid4().hex, {}

    def send(method, on=dataset, view=None, selected=None, **params):
        executor = Executor()
        request = {
            "dataset_name": on.name,
            "view": view or [],
            "selected": selected or [],
            "params": {
                "panel_id": panel,
                "panel_state": dict(state),
                "__method__": method,
                **params,
            },
        }
        ctx = ExecutionContext(
            request_params=request, executor=executor, operator_uri=PANEL
        )
        foo.get_operator(PANEL).execute(ctx)
        state.clear()
        state.update(ctx.panel_state)
        answer = Answer(executor._requests, dict(state))
        for uri, asked in answer.requests:
            if uri == "prompt_user_for_operation":
                # Refuses what the operator does not know; the App adds the panel
                sent = {**asked["params"], "panel_id": "p", "panel_state": {}}
                foo.get_operator(asked["operator_uri"]).check_params(sent)
        return answer

    return send


def drawn(dataset, tab):
    """All that is drawn of a tab, as text."""
    executor = Executor()
    request = {
        "dataset_name": dataset.name,
        "view": [],
        "params": {
            "panel_id": uuid.uuid4().hex,
            "panel_state": {"tab": tab},
            "__method__": "refresh",
        },
    }
    ctx = ExecutionContext(
        request_params=request, executor=executor, operator_uri=PANEL
    )
    foo.get_operator(PANEL).execute(ctx)
    return str([request.params for request in executor._requests])


def path_of(answer, row, name):
    """Returns the path that the App sends with the events of an input."""
    (found,) = [
        one
        for one in answer.shown[row]["type"]["properties"]
        if one.startswith(f"{name}_drawn_")
    ]
    return f"{row}.{found}"


def button(answer, row, name):
    return answer.shown[row]["type"]["properties"][name]["view"]
