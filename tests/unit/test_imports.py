import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HEAVY = ("fiftyone", "eta", "pynndescent", "numba", "onnxruntime", "onnx", "sklearn")


def test_importing_the_core_loads_nothing_heavy():
    program = (
        "import sys, core.scan.apply_thresholds, core.scan.collect;"
        f"print([name for name in {HEAVY} if name in sys.modules])"
    )

    loaded = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True
    )

    assert loaded.stdout.strip() == "[]", loaded.stdout + loaded.stderr
