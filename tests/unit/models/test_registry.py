"""The registry of models, and models of the person's own."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from core.errors import EmbedderError, InputError
from core.models import onnx_probe, registry
from core.models.registry import DEFAULT_MODEL, load_embedder, spec_names

_RNG = np.random.default_rng(7)
_PIXELS = _RNG.integers(0, 256, (5, 32, 32, 3), np.uint8)


def _constant(name: str, values: Any) -> onnx.TensorProto:
    return numpy_helper.from_array(np.asarray(values, np.float32), name)


def _save(
    path: Path,
    nodes: list[onnx.NodeProto],
    *constants: onnx.TensorProto,
    shape: tuple[str | int, ...] = ("n", 3, 32, 32),
    dtype: int = TensorProto.FLOAT,
    inputs: tuple[str, ...] = ("x",),
    outputs: tuple[str, ...] = ("y",),
    out_dtype: int = TensorProto.FLOAT,
) -> Path:
    graph = helper.make_graph(
        nodes,
        "own",
        [helper.make_tensor_value_info(name, dtype, shape) for name in inputs],
        [helper.make_tensor_value_info(name, out_dtype, None) for name in outputs],
        list(constants),
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("custom", 1)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=8)
    path.write_bytes(model.SerializeToString())
    return path


def _mean_of_patches(x: str = "x") -> list[onnx.NodeProto]:
    """Nodes for a 48-d vector: the mean color of 4 x 4 patches of 8 pixels."""
    return [
        helper.make_node(
            "AveragePool", [x], ["p"], kernel_shape=[8, 8], strides=[8, 8]
        ),
        helper.make_node("Flatten", ["p"], ["y"], axis=1),
    ]


def test_the_default_model_comes_first() -> None:
    assert spec_names()[0] == DEFAULT_MODEL


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(InputError, match=f"choose one of {DEFAULT_MODEL}"):
        load_embedder("resnet")


def test_models_of_other_input_sizes_have_a_sha256_of_their_own() -> None:
    loaded = [load_embedder(name) for name in spec_names()]

    assert {embedder.precision for embedder in loaded} == {"int8"}
    assert len({embedder.sha256 for embedder in loaded}) == len(loaded)


@pytest.mark.parametrize("damage", ["missing", "changed"])
def test_a_model_file_that_is_not_the_tested_one_is_refused_with_both_sums(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: str
) -> None:
    path = tmp_path / "model.onnx"
    if damage == "changed":
        path.write_bytes(registry.MODEL_FILE.read_bytes()[:-1] + b"?")
    monkeypatch.setattr(registry, "MODEL_FILE", path)

    with pytest.raises(EmbedderError) as raised:
        load_embedder()

    assert registry.MODEL_SHA256 in str(raised.value)
    assert "install the plugin again" in str(raised.value)


def test_a_float_channels_first_model_gets_scaled_pixels(tmp_path: Path) -> None:
    path = _save(tmp_path / "m.onnx", _mean_of_patches())

    embedder = load_embedder(path)
    copy, features = embedder.open_session()(_PIXELS)

    scaled = (_PIXELS / 255 - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]
    patches = scaled.reshape(5, 4, 8, 4, 8, 3).mean(axis=(2, 4))
    expected = patches.transpose(0, 3, 1, 2).reshape(5, 48)
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    np.testing.assert_allclose(copy, expected, atol=1e-5)
    np.testing.assert_array_equal(copy, features)
    assert embedder.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert embedder.input_size == 32
    assert embedder.copy_dim == embedder.feature_dim == 48


def test_a_uint8_channels_last_model_gets_the_pixels_as_they_are(
    tmp_path: Path,
) -> None:
    nodes = [
        helper.make_node("Cast", ["x"], ["f"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["f"], ["y"], axes=[1, 2], keepdims=0),
    ]
    path = _save(
        tmp_path / "m.onnx", nodes, shape=("n", 32, 32, 3), dtype=TensorProto.UINT8
    )

    copy, _ = load_embedder(path).open_session()(_PIXELS)

    expected = _PIXELS.mean(axis=(1, 2))
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    np.testing.assert_allclose(copy, expected, atol=1e-6)


def test_free_sizes_become_224_and_one_by_one_maps_become_vectors(
    tmp_path: Path,
) -> None:
    nodes = [helper.make_node("GlobalAveragePool", ["x"], ["y"])]
    path = _save(tmp_path / "m.onnx", nodes, shape=("n", 3, "h", "w"))

    embedder = load_embedder(path)

    assert embedder.input_size == 224
    assert embedder.copy_dim == 3


def test_a_fixed_batch_gives_the_same_vectors_as_a_free_one(tmp_path: Path) -> None:
    free = _save(tmp_path / "free.onnx", _mean_of_patches())
    fixed = _save(tmp_path / "fixed.onnx", _mean_of_patches(), shape=(4, 3, 32, 32))

    expected, _ = load_embedder(free).open_session()(_PIXELS)
    actual, _ = load_embedder(fixed).open_session()(_PIXELS)

    np.testing.assert_array_equal(actual, expected)


def test_the_first_output_that_is_a_vector_is_taken(tmp_path: Path) -> None:
    nodes = [*_mean_of_patches(), helper.make_node("Identity", ["p"], ["map"])]
    path = _save(tmp_path / "m.onnx", nodes, outputs=("map", "y"))

    embedder = load_embedder(path)

    assert embedder.signature.outputs == ("y",)


def test_rows_that_are_zero_or_not_finite_are_nan_and_the_others_are_not(
    tmp_path: Path,
) -> None:
    nodes = [
        helper.make_node("Cast", ["x"], ["f"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["f"], ["m"], axes=[1, 2], keepdims=0),
        helper.make_node("GreaterOrEqual", ["m", "white"], ["is_white"]),
        helper.make_node("Where", ["is_white", "inf", "m"], ["y"]),
    ]
    path = _save(
        tmp_path / "m.onnx",
        nodes,
        _constant("white", 255),
        _constant("inf", np.inf),
        shape=("n", 32, 32, 3),
        dtype=TensorProto.UINT8,
    )
    pixels = _PIXELS.copy()
    pixels[1] = 0
    pixels[3] = 255

    copy, features = load_embedder(path).open_session()(pixels)

    assert np.isnan(copy[[1, 3]]).all()
    assert np.isnan(features[[1, 3]]).all()
    np.testing.assert_allclose(np.linalg.norm(copy[[0, 2, 4]], axis=1), 1, atol=1e-6)


def test_a_path_without_a_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no model file"):
        load_embedder(tmp_path / "none.onnx")


def test_a_folder_and_a_pipe_are_not_model_files(tmp_path: Path) -> None:
    (tmp_path / "folder.onnx").mkdir()
    os.mkfifo(tmp_path / "pipe.onnx")

    for name in ("folder.onnx", "pipe.onnx"):
        with pytest.raises(InputError, match="no model file"):
            load_embedder(tmp_path / name)


def test_a_file_larger_than_the_limit_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "huge.onnx"
    with path.open("wb") as file:
        file.truncate(2**40)  # sparse: takes no room

    with pytest.raises(InputError, match="1024.0 GiB"):
        load_embedder(path)


@pytest.mark.parametrize("content", [b"", b"not a model at all", bytes(100)])
def test_a_file_that_is_not_onnx_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "m.onnx"
    path.write_bytes(content)

    with pytest.raises(EmbedderError, match="not an ONNX model"):
        load_embedder(path)


def test_a_model_that_is_cut_is_refused(tmp_path: Path) -> None:
    path = _save(tmp_path / "m.onnx", _mean_of_patches())
    path.write_bytes(path.read_bytes()[:-40])

    with pytest.raises(EmbedderError, match="cannot be used"):
        load_embedder(path)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"shape": ("n", 1, 32, 32)}, r"not \[batch, 3, height, width\]"),
        ({"shape": ("n", 3, 32)}, r"not \[batch, 3, height, width\]"),
        ({"shape": ("n", 3, 32, 64)}, "not a square"),
        ({"shape": ("n", 3, 4096, 4096)}, "not a square of 8 to 1024"),
        ({"shape": (1000, 3, 32, 32)}, "insists on 1000 pictures"),
        ({"dtype": TensorProto.DOUBLE}, r"tensor\(double\), not uint8 or float"),
        ({"inputs": ("x", "z")}, "but has x, z"),
    ],
)
def test_an_input_that_is_not_a_picture_is_refused(
    tmp_path: Path, changes: dict[str, Any], sentence: str
) -> None:
    dtype = changes.get("dtype", TensorProto.FLOAT)
    nodes = [helper.make_node("ReduceMean", ["x"], ["y"], axes=[-1], keepdims=0)]
    path = _save(tmp_path / "m.onnx", nodes, **{**changes, "out_dtype": dtype})

    with pytest.raises(EmbedderError, match=sentence):
        load_embedder(path)


def test_an_output_that_is_no_vector_a_picture_is_refused(tmp_path: Path) -> None:
    nodes = [helper.make_node("Relu", ["x"], ["y"])]
    path = _save(tmp_path / "m.onnx", nodes)

    with pytest.raises(EmbedderError, match=r"y tensor\(float\) \[1, 3, 32, 32\]"):
        load_embedder(path)


def test_an_output_of_whole_numbers_is_refused(tmp_path: Path) -> None:
    pool, flatten = _mean_of_patches()
    flatten.output[0] = "v"
    whole = helper.make_node("Cast", ["v"], ["y"], to=TensorProto.INT64)
    nodes = [pool, flatten, whole]
    path = _save(tmp_path / "m.onnx", nodes, out_dtype=TensorProto.INT64)

    with pytest.raises(EmbedderError, match="no output is a vector"):
        load_embedder(path)


@pytest.mark.parametrize(
    ("node", "constants", "sentence"),
    [
        (helper.make_node("Mul", ["v", "k"], ["w"]), [0.0], "zero or not finite"),
        (helper.make_node("Div", ["v", "k"], ["w"]), [0.0], "zero or not finite"),
        (helper.make_node("Mul", ["v", "k"], ["w"]), [1e-30], "same vector"),
    ],
)
def test_a_model_that_cannot_tell_pictures_apart_is_refused(
    tmp_path: Path, node: onnx.NodeProto, constants: list[float], sentence: str
) -> None:
    pool, flatten = _mean_of_patches()
    flatten.output[0] = "v"
    offset = 0.0 if constants == [0.0] else 1.0
    nodes = [pool, flatten, node, helper.make_node("Add", ["w", "o"], ["y"])]
    path = _save(
        tmp_path / "m.onnx", nodes, _constant("k", constants), _constant("o", offset)
    )

    with pytest.raises(EmbedderError, match=sentence):
        load_embedder(path)


def test_a_model_that_rolls_dice_is_refused(tmp_path: Path) -> None:
    pool, flatten = _mean_of_patches()
    flatten.output[0] = "v"
    noise = helper.make_node("RandomNormalLike", ["v"], ["r"])
    nodes = [pool, flatten, noise, helper.make_node("Add", ["v", "r"], ["y"])]
    path = _save(tmp_path / "m.onnx", nodes)

    with pytest.raises(EmbedderError, match="another vector for the same picture"):
        load_embedder(path)


@pytest.mark.parametrize("kind", ["beside", "above", "absolute", "symlink", "hardlink"])
def test_weights_in_other_files_are_refused(tmp_path: Path, kind: str) -> None:
    folder = tmp_path / "models"
    folder.mkdir()
    secret = tmp_path / "secret.bin"
    secret.write_bytes(np.ones(48, np.float32).tobytes())
    location = {"above": "../secret.bin", "absolute": str(secret)}.get(kind, "w.bin")
    if kind == "beside":
        (folder / "w.bin").write_bytes(secret.read_bytes())
    elif kind == "symlink":
        (folder / "w.bin").symlink_to(secret)
    elif kind == "hardlink":
        (folder / "w.bin").hardlink_to(secret)
    weight = TensorProto(name="k", data_type=TensorProto.FLOAT, dims=[48])
    weight.data_location = TensorProto.EXTERNAL
    weight.external_data.add(key="location", value=location)
    pool, flatten = _mean_of_patches()
    flatten.output[0] = "v"
    nodes = [pool, flatten, helper.make_node("Mul", ["v", "k"], ["y"])]
    path = _save(folder / "m.onnx", nodes, weight)

    with pytest.raises(EmbedderError, match="weights in other files"):
        load_embedder(path)


def test_a_loop_without_an_end_is_refused_before_it_runs(tmp_path: Path) -> None:
    body = helper.make_graph(
        [
            helper.make_node("Identity", ["c"], ["c2"]),
            helper.make_node("Identity", ["v"], ["v2"]),
        ],
        "body",
        [
            helper.make_tensor_value_info("i", TensorProto.INT64, []),
            helper.make_tensor_value_info("c", TensorProto.BOOL, []),
            helper.make_tensor_value_info("v", TensorProto.FLOAT, None),
        ],
        [
            helper.make_tensor_value_info("c2", TensorProto.BOOL, []),
            helper.make_tensor_value_info("v2", TensorProto.FLOAT, None),
        ],
    )
    pool, flatten = _mean_of_patches()
    flatten.output[0] = "v0"
    loop = helper.make_node("Loop", ["", "yes", "v0"], ["y"], body=body)
    yes = numpy_helper.from_array(np.array(True), "yes")
    path = _save(tmp_path / "m.onnx", [pool, flatten, loop], yes)

    with pytest.raises(EmbedderError, match="uses Loop, which may never end"):
        load_embedder(path)


def test_operators_outside_the_standard_are_refused(tmp_path: Path) -> None:
    nodes = [helper.make_node("EPContext", ["x"], ["y"], domain="com.microsoft")]
    path = _save(tmp_path / "m.onnx", nodes)

    with pytest.raises(EmbedderError, match="EPContext of com.microsoft"):
        load_embedder(path)


def test_a_model_that_asks_for_too_much_memory_only_fails_the_trial(
    tmp_path: Path,
) -> None:
    pool, flatten = _mean_of_patches()
    flatten.output[0] = "v"
    shape = numpy_helper.from_array(np.array([10 * 2**30]), "shape")
    nodes = [
        pool,
        flatten,
        helper.make_node("ConstantOfShape", ["shape"], ["big"]),
        helper.make_node("ReduceMax", ["big"], ["m"], keepdims=0),
        helper.make_node("Add", ["v", "m"], ["y"]),
    ]
    path = _save(tmp_path / "m.onnx", nodes, shape)

    with pytest.raises(EmbedderError, match="failed in a probe with 4 GiB"):
        load_embedder(path)


def test_a_model_that_takes_too_long_is_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(onnx_probe, "_PROBE_SECONDS", 4)
    pool, flatten = _mean_of_patches()
    flatten.output[0] = "v"
    large = helper.make_node("RandomUniform", [], ["m0"], shape=[4000, 4000])
    products = [
        helper.make_node("MatMul", [f"m{i}", "m0"], [f"m{i + 1}"]) for i in range(200)
    ]
    nodes = [
        pool,
        flatten,
        large,
        *products,
        helper.make_node("ReduceMax", ["m200"], ["m"], keepdims=0),
        helper.make_node("Add", ["v", "m"], ["y"]),
    ]
    path = _save(tmp_path / "m.onnx", nodes)

    with pytest.raises(EmbedderError, match="stopped after 4 seconds"):
        load_embedder(path)


def test_looking_up_models_imports_no_runtime() -> None:
    code = (
        "import sys, core.models.registry as e; e.spec_names();"
        "print({'onnx', 'onnxruntime', 'google.protobuf'} & set(sys.modules))"
    )

    child = subprocess.run(
        [sys.executable, "-c", code],
        cwd=Path(registry.__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
    )

    assert child.stdout.strip() == "set()"
