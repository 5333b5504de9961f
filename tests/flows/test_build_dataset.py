"""The flow end to end on a few short clips: what it says, what it makes, and what a second run leaves alone."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import pytest
from distributed import LocalCluster

from flows.commands.build import read_spec
from flows.running import run_build, run_face_model
from infra.local_prefect import prefect_api, quiet_prefect_environment
from infra.object_store import open_store
from infra.settings import Settings
from pipelines.dataset.running_builds import RUNNING_BUILDS_FOLDER
from pipelines.dataset.verifying import verify_version
from pipelines.dataset.versions import resolve_version
from storage_schemas.build_spec import BuildSpec, FaceModelPolicy, Layout
from storage_schemas.build_summary import BuildSummary
from storage_schemas.errors import BadInputError, BuildFailedError
from tests.factories.build_processes import CommandLine, build_arguments, half_published


@dataclass(frozen=True)
class Workshop:
    """A growing corpus, a store it is built into and what the builds said.

    Attributes:
        corpus: three clips, then four.
        store: all builds of `built`, one after the other.
        other: a store in which the four clips were built from nothing.
    """

    spec: BuildSpec
    corpus: Path
    store: str
    other: str
    first: BuildSummary
    again: BuildSummary
    grown: BuildSummary
    from_scratch: BuildSummary


@pytest.fixture(scope="module", autouse=True)
def _environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """One private Prefect server for all builds of this module."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("PREFECT_API_URL", raising=False)
        patch.setenv("FLOWVQTALKER_HOME", str(home))
        patch.setenv("FLOWVQTALKER_STORE_FSYNC", "false")
        quiet_prefect_environment(home)
        with prefect_api(home):
            yield


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory, demo_corpus: Path, spec_file: Path) -> Workshop:
    folder = tmp_path_factory.mktemp("workshop")
    spec, corpus, store, other = read_spec(spec_file), folder / "corpus", str(folder / "store"), str(folder / "other")
    shutil.copytree(demo_corpus, corpus)
    last = max(corpus.rglob("*.mp4"))
    last.rename(folder / "last.mp4")
    first = run_build(spec, corpus, store, workers=2)
    again = run_build(spec, corpus, store, workers=2)
    (folder / "last.mp4").rename(last)
    grown = run_build(spec, corpus, store, workers=1)
    from_scratch = run_build(spec, corpus, other, workers=2, tag="")
    return Workshop(spec, corpus, store, other, first, again, grown, from_scratch)


def _problems(store: str, version: str) -> list[str]:
    with open_store(store, Settings()) as opened:
        return [problem.message for problem in verify_version(opened, resolve_version(opened, version))]


def test_a_build_says_what_it_did(workshop: Workshop) -> None:
    first = workshop.first
    assert (first.recordings, first.clips_accepted, first.clips_rejected, first.recordings_processed) == (3, 3, 0, 3)
    assert (first.recordings_reused, first.unchanged, first.keep_rate, first.rejections_by_reason) == (0, False, 1.0, {})
    assert first.parts_built == first.parts_total
    assert set(first.parts_built_by_family.values()) == {first.parts_total}
    assert first.frames > 3 * 25
    assert 0 < first.startup_seconds < first.seconds
    assert (Path(first.store) / first.report).read_text().startswith("<!doctype html>")


def test_the_version_is_whole_and_tagged(workshop: Workshop) -> None:
    assert _problems(workshop.store, "latest") == []
    assert _problems(workshop.store, workshop.first.dataset_version) == []
    assert _problems(workshop.other, workshop.from_scratch.dataset_version) == []


def test_nothing_is_left_behind(workshop: Workshop) -> None:
    with open_store(workshop.store, Settings()) as store:
        for folder in ("staging", RUNNING_BUILDS_FOLDER):
            assert list(store.list_objects(folder)) == []
    assert list((Path(workshop.store) / "scratch").iterdir()) == []


def test_nothing_new_changes_nothing(workshop: Workshop) -> None:
    assert workshop.again.unchanged
    assert workshop.again.dataset_version == workshop.first.dataset_version
    assert (workshop.again.parts_built, workshop.again.recordings_processed) == (0, 0)


def test_an_added_clip_is_decoded_alone_and_gives_the_id_of_a_build_from_nothing(workshop: Workshop) -> None:
    grown = workshop.grown
    assert (grown.recordings_processed, grown.clips_accepted, grown.unchanged) == (1, 4, False)
    assert grown.recordings_reused <= 2
    built = dict(grown.parts_built_by_family)
    assert built.pop("coefficients") == grown.parts_total  # the policy is refit: another clip, another face model
    assert max(built.values()) <= 2
    assert workshop.from_scratch.recordings_processed == 4
    assert grown.dataset_version == workshop.from_scratch.dataset_version != workshop.first.dataset_version


@pytest.mark.slow
def test_other_audio_features_rebuild_the_audio_family_only(workshop: Workshop, tmp_path: Path) -> None:
    spec = workshop.spec.model_copy(update={"audio": workshop.spec.audio.model_copy(update={"fmin_hz": 80.0})})
    changed = run_build(spec, workshop.corpus, workshop.other, workers=2)
    from_scratch = run_build(spec, workshop.corpus, str(tmp_path), workers=2)
    assert changed.parts_built_by_family == {"frames": 0, "landmarks": 0, "audio": changed.parts_total, "coefficients": 0}
    assert changed.dataset_version == from_scratch.dataset_version != workshop.grown.dataset_version
    assert _problems(workshop.other, changed.dataset_version) == []


def test_other_labels_rebuild_no_part(workshop: Workshop) -> None:
    spec = workshop.spec.model_copy(update={"corpus": workshop.spec.corpus.model_copy(update={"consent": "by letter"})})
    relabelled = run_build(spec, workshop.corpus, workshop.store, workers=2, tag="relabelled")
    assert (relabelled.parts_built, relabelled.recordings_processed, relabelled.unchanged) == (0, 0, False)
    assert relabelled.dataset_version != workshop.grown.dataset_version
    assert _problems(workshop.store, "relabelled") == []


def test_dask_workers_elsewhere_give_the_same_id(workshop: Workshop, tmp_path: Path) -> None:
    with LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, silence_logs=50) as cluster:
        summary = run_build(workshop.spec, workshop.corpus, str(tmp_path / "store"), scheduler=cluster.scheduler_address)
    assert summary.dataset_version == workshop.from_scratch.dataset_version
    assert summary.recordings_processed == 4


def test_a_build_that_keeps_too_little_publishes_nothing(workshop: Workshop, tmp_path: Path) -> None:
    limits = workshop.spec.limits.model_copy(update={"min_side_px": 1000, "min_keep_rate": 0.5})
    with pytest.raises(BuildFailedError, match=r"limits\.min_keep_rate asks for 50"):
        run_build(workshop.spec.model_copy(update={"limits": limits}), workshop.corpus, str(tmp_path / "store"), workers=2)
    assert not (tmp_path / "store" / "versions").exists()


@pytest.mark.slow
def test_a_scheduler_that_does_not_answer_is_bad_input(workshop: Workshop, tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="no Dask scheduler answers at 'tcp://127\\.0\\.0\\.1:1'"):
        run_build(workshop.spec, workshop.corpus, str(tmp_path / "store"), scheduler="tcp://127.0.0.1:1")


def test_the_command_prints_one_json_object_and_nothing_else(
    workshop: Workshop, command_line: CommandLine, tmp_path: Path, spec_file: Path
) -> None:
    done = command_line.run(*build_arguments(spec_file, workshop.corpus, tmp_path / "store"))
    assert done.returncode == 0, done.stderr
    summary = BuildSummary.model_validate_json(done.stdout)
    assert summary.dataset_version == workshop.from_scratch.dataset_version
    assert all(line.startswith("WARNING pipelines.dataset.splitting: split") for line in done.stderr.splitlines()), done.stderr
    assert command_line.orphans() == []
    shown = command_line.run("dataset", "show", "latest", "--store", tmp_path / "store", "--json")
    values = json.loads(shown.stdout)
    assert values["counts"]["clips"] == 4
    assert values["face_model"] == summary.face_model
    assert 0 < values["quality"]["reprojection_error_percent_iod"] < 1.5
    assert 0 < values["quality"]["jitter_ratio"] < 1
    assert 0.9 < values["quality"]["expression_variance_64"] <= 1
    card = json.loads(command_line.run("face-model", "show", "--store", tmp_path / "store", "--json").stdout)
    assert (card["face_model"], card["frames"]) == (summary.face_model, summary.frames)
    exported = command_line.run("face-model", "export", "current", tmp_path / "face", "--store", tmp_path / "store")
    assert exported.returncode == 0, exported.stderr
    assert (tmp_path / "face" / "mean.obj").read_text().startswith("v ")


def test_a_model_that_is_there_is_reused_until_another_is_wanted(workshop: Workshop, tmp_path: Path) -> None:
    """The store's model is that of the four clips; a version of three of them takes it as it is and decodes nothing."""
    corpus, reuse = tmp_path / "corpus", workshop.spec.face_model.model_copy(update={"policy": FaceModelPolicy.REUSE})
    shutil.copytree(workshop.corpus, corpus)
    max(corpus.rglob("*.mp4")).unlink()
    spec = workshop.spec.model_copy(update={"face_model": reuse})
    reused = run_build(spec, corpus, workshop.other, workers=2, tag="")
    assert (reused.face_model, reused.clips_accepted, reused.recordings_processed) == (workshop.from_scratch.face_model, 3, 0)
    assert reused.face_model != workshop.first.face_model
    named = reuse.model_copy(update={"policy": FaceModelPolicy.NAMED, "name": reused.face_model})
    pinned = run_build(workshop.spec.model_copy(update={"face_model": named}), corpus, workshop.other, workers=2, tag="")
    assert (pinned.dataset_version, pinned.unchanged) == (reused.dataset_version, True)
    made = run_face_model(workshop.first.dataset_version, workshop.store)
    assert made.face_model == workshop.first.face_model
    wrong = named.model_copy(update={"name": "learned-0000"})
    with pytest.raises(BadInputError, match="no face model 'learned-0000'"):
        run_build(workshop.spec.model_copy(update={"face_model": wrong}), corpus, workshop.other, workers=2, tag="")


def test_too_few_frames_give_a_version_without_coefficients(workshop: Workshop, tmp_path: Path) -> None:
    corpus = tmp_path / "corpus"
    shutil.copytree(workshop.corpus, corpus)
    for path in sorted(corpus.rglob("*.mp4"))[1:]:
        path.unlink()
    summary = run_build(workshop.spec, corpus, str(tmp_path / "store"), workers=2)
    assert (summary.face_model, summary.clips_accepted, summary.parts_built_by_family["coefficients"]) == ("", 1, 0)
    (note,) = summary.notes
    assert note.startswith("no coefficients: a face model needs 128 frames")
    assert f"  note: {note}" in summary.lines()
    assert note in (tmp_path / "store" / summary.report).read_text()
    assert _problems(str(tmp_path / "store"), "latest") == []


def test_stills_alone_give_a_version_without_coefficients(workshop: Workshop, tmp_path: Path) -> None:
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    for number, path in enumerate(sorted(workshop.corpus.rglob("*.mp4"))[:2]):
        _, picture = cv2.VideoCapture(str(path)).read()
        cv2.imwrite(str(corpus / f"{number:05d}.png"), picture)
    spec = BuildSpec(layout=Layout.FFHQ, crop=workshop.spec.crop)
    assert spec.face_model.enabled
    summary = run_build(spec, corpus, str(tmp_path / "store"), workers=2)
    assert (summary.face_model, summary.clips_accepted, summary.frames) == ("", 2, 2)
    assert summary.notes == ["no coefficients: a face model is learned from and fitted to videos, and the version has none"]
    assert _problems(str(tmp_path / "store"), "latest") == []


def test_kills_while_it_learns_and_while_it_fits_leave_no_trace(workshop: Workshop, tmp_path: Path, spec_file: Path) -> None:
    """A store that has everything but model and coefficients: the builds have little else to do than what they are killed at."""
    store = tmp_path / "store"
    for family in ("frames", "landmarks", "audio"):
        shutil.copytree(Path(workshop.other) / "parts" / family, store / "parts" / family)
    command_line = CommandLine(tmp_path / "home", {"PREFECT_API_URL": os.environ["PREFECT_API_URL"]})
    for trace in ("part-0", "landmarks"):  # of learning, of fitting
        process = command_line.start(*build_arguments(spec_file, workshop.corpus, store))
        assert command_line.kill(process, lambda trace=trace: _is_there(store, trace))
        assert _is_there(store, trace)
        assert command_line.orphans() == []
        with open_store(str(store), Settings()) as opened:
            assert list(half_published(opened)) == []
    summary = run_build(workshop.spec, workshop.corpus, str(store), workers=1)
    assert summary.dataset_version == workshop.from_scratch.dataset_version
    assert (summary.recordings_processed, summary.face_model) == (0, workshop.from_scratch.face_model)
    assert _problems(str(store), "latest") == []
    assert list((store / "scratch").iterdir()) == []


def _is_there(store: Path, trace: str) -> bool:
    try:
        return any(store.glob(f"scratch/*/*/*/{trace}"))
    except FileNotFoundError:  # a folder went away while it was searched
        return False


def test_a_missing_source_is_bad_input(command_line: CommandLine, tmp_path: Path, spec_file: Path) -> None:
    done = command_line.run(*build_arguments(spec_file, tmp_path / "nowhere", tmp_path / "store"))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"error: source folder {tmp_path / 'nowhere'}: expected a folder, found nothing; check the path\n"
    assert not (tmp_path / "store").exists()


def test_every_problem_of_a_specification_is_named(command_line: CommandLine, tmp_path: Path, demo_corpus: Path) -> None:
    spec = tmp_path / "bad.yaml"
    spec.write_text("crop: {size_px: 7, jpeg: 3}\nsplit: {test_share: 2}\nlayout: vimeo\n")
    done = command_line.run("build", spec, "--source", demo_corpus, "--store", tmp_path / "store", "--json")
    assert (done.returncode, done.stdout) == (2, "")
    assert "has 4 problem(s)" in done.stderr
    for name in ("crop.size_px", "crop.jpeg", "split.test_share", "layout"):
        assert name in done.stderr
    assert "Traceback" not in done.stderr


def test_an_unknown_version_is_bad_input(workshop: Workshop, command_line: CommandLine) -> None:
    done = command_line.run("dataset", "show", "nonesuch", "--store", workshop.store, "--json")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: ")
    assert "nonesuch" in done.stderr


def test_a_store_that_cannot_be_made_fails_at_once(command_line: CommandLine, tmp_path: Path, demo_corpus: Path, spec_file: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    done = command_line.run(*build_arguments(spec_file, demo_corpus, tmp_path / "file" / "store"))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error: cannot ")
    assert "a file is where a folder is expected" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not command_line.home.exists()
