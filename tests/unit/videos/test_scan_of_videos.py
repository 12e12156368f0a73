"""From video files to findings, without a database."""

import os
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from core.copy_detection import relation_names
from core.findings.schema import is_unsure
from core.models.registry import load_embedder
from core.scan.apply_thresholds import apply_thresholds
from core.scan.collect_videos import collect_video_data
from core.scan.scan_data import ScanInput
from core.scan.settings import ScanSettings
from core.scan.stored_scan import load_scan_data, save_scan_data
from core.videos.reading import VideoReader


@pytest.fixture(scope="module")
def embedder():
    return load_embedder()


@pytest.fixture(scope="module")
def folder(tmp_path_factory, shot, write_video):
    """A film, copies of it, another film, and files that are no whole video."""
    folder = tmp_path_factory.mktemp("videos")
    film, other = shot(1, 150), shot(2, 150)
    write_video(folder / "film.mp4", film)
    write_video(folder / "recoded.avi", film)
    write_video(folder / "trimmed.mp4", film[50:110])
    write_video(folder / "mirrored.avi", [frame[:, ::-1] for frame in film])
    write_video(folder / "slower.mp4", film, rate=25 / 1.5)
    write_video(folder / "other.mp4", other)
    black = [*other[:40], *[np.zeros_like(other[0])] * 60, *other[100:]]
    write_video(folder / "black.avi", black)
    write_video(folder / "mixed.mp4", [*other[:75], *shot(3, 75)])
    whole = (folder / "recoded.avi").read_bytes()
    (folder / "same bytes.avi").write_bytes(whole)
    (folder / "cut.avi").write_bytes(whole[: 2 * len(whole) // 3])
    (folder / "cut.mp4").write_bytes((folder / "film.mp4").read_bytes()[:20_000])
    (folder / "text.mp4").write_text("this is no video")
    return folder


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def scanned(folder, cache, embedder):
    paths = sorted(folder.iterdir())
    data = collect_video_data(
        ScanInput([os.fsencode(path) for path in paths]), embedder, folder=cache
    )
    return [path.name for path in paths], data


def values(scanned, field, settings=None):
    names, data = scanned
    findings = apply_thresholds(data, settings or ScanSettings())
    return dict(zip(names, findings.columns[field], strict=True))


COPIES = ("film.mp4", "recoded.avi", "trimmed.mp4", "mirrored.avi", "slower.mp4")


def test_copies_are_one_cluster_and_say_how_they_differ(scanned):
    cluster = values(scanned, "dup_cluster")
    keeper = [name for name, is_it in values(scanned, "dup_keeper").items() if is_it]
    relation = values(scanned, "dup_relation")

    assert len({cluster[name] for name in (*COPIES, "same bytes.avi", "cut.avi")}) == 1
    assert cluster["film.mp4"] is not None
    assert cluster["other.mp4"] != cluster["film.mp4"]
    assert len(keeper) == 1 or set(keeper) & {"other.mp4", "black.avi"}
    assert "trimmed" in relation["trimmed.mp4"]
    assert "mirrored" in relation["mirrored.avi"]
    assert {"re-timed"} & set((relation["slower.mp4"] or "re-timed").split(", "))


def test_the_stretch_that_is_shared_is_a_segment_of_each(scanned):
    names, _ = scanned
    shown = values(scanned, "winnow_segments")["trimmed.mp4"]

    copies = [one for one in shown if one.label == "copy"]
    assert copies
    assert all(one.first < 15 and one.last > 45 for one in copies)
    assert all(
        names[one.of] in (*COPIES, "same bytes.avi", "cut.avi") for one in copies
    )


def test_a_black_stretch_is_found_to_the_half_second(scanned):
    found = values(scanned, "winnow_segments")
    issues = values(scanned, "video_issues")

    (black,) = [one for one in found["black.avi"] if one.label == "black"]
    assert abs(black.first - 41) <= 13
    assert abs(black.last - 100) <= 13
    assert issues["black.avi"] == ["black"]
    assert issues["film.mp4"] == []


def test_files_that_are_not_whole_say_so(scanned):
    status, issues = values(scanned, "scan_status"), values(scanned, "image_issues")

    assert (status["text.mp4"], status["cut.mp4"]) == ("unsupported", "truncated")
    assert issues["cut.avi"] == ["damaged"]
    reason = values(scanned, "damage_reason")["cut.avi"]
    assert reason == "it ends before its frames do"
    assert values(scanned, "video_issues")["cut.avi"] == ["truncated"]
    assert values(scanned, "dup_keeper")["cut.avi"] is False


def test_what_is_partly_the_same_is_told_and_never_redundant(scanned):
    names, data = scanned
    shown = values(scanned, "winnow_segments")["mixed.mp4"]

    # A copy that is sure comes first: the other is no member of its cluster
    assert values(scanned, "dup_cluster")["mixed.mp4"] is None
    assert {names[one.of] for one in shown} & {"other.mp4", "black.avi"}
    ends = [names.index("mixed.mp4"), names.index("other.mp4")]
    files = sorted(data.samples.unique_file[ends].tolist())
    row = data.pairs.images.tolist().index(files)
    assert is_unsure(relation_names(int(data.pairs.relation[row])))


def test_a_rescan_decodes_no_whole_video_and_finds_the_same(
    scanned, folder, cache, embedder, monkeypatch, tmp_path
):
    asked = []
    real = VideoReader.read
    monkeypatch.setattr(
        VideoReader,
        "read",
        lambda self, path, *more: asked.append(path) or real(self, path, *more),
    )
    names, data = scanned
    save_scan_data(data, tmp_path / "scan.npz")
    paths = [os.fsencode(folder / name) for name in reversed(names)]

    again = collect_video_data(
        ScanInput(paths),
        embedder,
        folder=cache,
        previous=load_scan_data(tmp_path / "scan.npz"),
    )

    assert {os.path.basename(path) for path in asked} == {b"text.mp4", b"cut.mp4"}
    for field in ("dup_cluster", "dup_relation", "video_issues", "scan_status"):
        before, now = values(scanned, field), values((names[::-1], again), field)
        assert now == before, field


def test_frames_that_are_looked_at_more_often_are_looked_at_anew(
    scanned, folder, cache, embedder
):
    _, data = scanned
    paths = [os.fsencode(folder / name) for name in ("film.mp4", "trimmed.mp4")]

    found = collect_video_data(
        ScanInput(paths),
        embedder,
        folder=cache,
        settings=ScanSettings(every=1.0),
        previous=data,
    )

    assert found.videos.every == 1.0
    assert len(found.videos.pairs) == 1


@dataclass(frozen=True)
class Other:
    """The model, with larger pictures, or with other vectors for the same ones."""

    model: Any
    input_size: int
    sha256: str
    turned: bool = False

    def __getattr__(self, name):
        return getattr(self.model, name)

    def open_session(self):
        session, size = self.model.open_session(), self.model.input_size

        def embed(pixels):
            copy, features = session(np.ascontiguousarray(pixels[:, :size, :size]))
            if self.turned:
                # No picture is like another
                random = np.random.default_rng(int(pixels.sum()))
                copy = random.standard_normal(copy.shape).astype(np.float32)
                copy /= np.linalg.norm(copy, axis=1, keepdims=True)
            return copy, features

        return embed


def test_another_model_samples_and_compares_the_same_videos_anew(
    folder, tmp_path, embedder
):
    paths = [os.fsencode(folder / name) for name in ("film.mp4", "recoded.avi")]
    same_size = Other(embedder, embedder.input_size, "unlike", turned=True)
    larger = Other(embedder, 384, "larger")

    def scan(model, previous=None):
        return collect_video_data(
            ScanInput(paths), model, folder=tmp_path, previous=previous
        )

    unlike = scan(same_size)
    after = scan(embedder, unlike)
    larger_after = scan(larger, after)

    assert np.array_equal(after.videos.pairs.share, scan(embedder).videos.pairs.share)
    assert len(unlike.videos.pairs) == 0 and len(after.videos.pairs) == 1
    assert (larger_after.samples.unique_file >= 0).all()
