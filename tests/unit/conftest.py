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
