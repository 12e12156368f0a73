import psutil
import pytest

from core.common.worker_process import WorkerProcess


@pytest.fixture
def answers_of_workers(monkeypatch):
    """Divides work among three processes; notes what did each part, None if it could
    not be done."""
    monkeypatch.setattr("core.common.parallel.available_cores", lambda: 3)
    asked, answers = WorkerProcess.ask, []

    def ask(self, work, *values):
        answer = asked(self, work, *values)
        answers.append(work.maker if answer is not None and answer[0] else None)
        return answer

    monkeypatch.setattr(WorkerProcess, "ask", ask)
    return answers


@pytest.fixture
def worker_processes():
    """Returns the worker processes that are there."""

    def there():
        return [
            child
            for child in psutil.Process().children()
            if "core.common.worker" in child.cmdline()
        ]

    return there
