import psutil
import pytest

from core.common.worker_process import WorkerProcess


@pytest.fixture
def answers_of_workers(monkeypatch):
    """Divides work among three processes; notes whether each part could be done."""
    monkeypatch.setattr("core.common.parallel.available_cores", lambda: 3)
    asked, answers = WorkerProcess.ask, []

    def ask(self, *values):
        answer = asked(self, *values)
        answers.append(answer is not None and answer[0])
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
