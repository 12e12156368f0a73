"""The other sources of vectors: an ONNX file, FiftyOne's zoo."""

import json
import os
from pathlib import Path

import fiftyone as fo
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

ZOO_MODULE = '''
import numpy as np
import fiftyone.core.models as fom

class Pooled(fom.Model, fom.EmbeddingsMixin):
    """Embeds a picture as an 8 x 8 thumbnail."""
    media_type, has_embeddings, ragged_batches = "image", True, False
    preprocess, transforms = True, None
    def embed(self, image):
        return self.embed_all([image])[0]
    def embed_all(self, images):
        squares = np.asarray(images, float)
        n, side = squares.shape[:2]
        cells = squares.reshape(n, 8, side // 8, 8, side // 8, 3)
        return cells.mean(axis=(2, 4)).reshape(n, -1)

def download_model(model_name, model_path):
    open(model_path, "w").close()

def load_model(model_name, model_path, **kwargs):
    return Pooled()
'''


@pytest.fixture
def zoo_model():
    """A model in the zoo's folder, found by its name without a download."""
    folder = Path(fo.config.model_zoo_dir) / "winnow-test" / "models"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "__init__.py").write_text(ZOO_MODULE)
    (folder / "tiny.bin").write_bytes(b"weights")
    model = {
        "base_name": "winnow-test-pooled",
        "base_filename": "tiny.bin",
        "author": "Winnow",
        "license": "Apache-2.0",
        "description": "for a test",
        "requirements": {"packages": [], "cpu": {"support": True}},
        "tags": ["embeddings"],
        "date_added": "2026-11-22 00:00:00",
    }
    manifest = {"name": "winnow-test/models", "url": "https://example.org/models"}
    (folder / "manifest.json").write_text(json.dumps({**manifest, "models": [model]}))
    return "winnow-test-pooled"


@pytest.fixture
def onnx_model(tmp_path):
    """Mean colors of a 4 x 4 grid over a 64-pixel picture."""
    grid = {"kernel_shape": [16, 16], "strides": [16, 16]}
    nodes = [
        helper.make_node("AveragePool", ["image"], ["cells"], **grid),
        helper.make_node("Flatten", ["cells"], ["flat"]),
        helper.make_node("Add", ["flat", "one"], ["vector"]),
    ]
    graph = helper.make_graph(
        nodes,
        "grid",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["n", 3, 64, 64])],
        [helper.make_tensor_value_info("vector", TensorProto.FLOAT, ["n", 48])],
        [numpy_helper.from_array(np.ones(1, np.float32) * 0.1, "one")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    path = tmp_path / "grid.onnx"
    onnx.save(model, path)
    return str(path)


def test_a_model_of_the_zoo(dataset, scan, zoo_model):
    report = scan(dataset, model=zoo_model)

    assert report.model == zoo_model
    assert len(report.model_sha256) == 64
    assert report.counts["duplicates"] == 4
    assert dataset.count("outlier_distance") == 20


def test_an_onnx_file_of_one_s_own(dataset, scan, onnx_model):
    report = scan(dataset, model=onnx_model)

    assert report.model == os.path.basename(onnx_model)
    assert report.counts["duplicates"] == 4
    assert dataset.count("outlier_distance") == 20


def test_the_quality_model(dataset, scan):
    report = scan(
        dataset, model="efficientnet-lite0-quality", label_field="ground_truth"
    )

    assert report.model == "efficientnet-lite0-quality"
    assert report.counts["duplicates"] == 4
