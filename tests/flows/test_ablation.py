"""The flow and its command, in processes of their own: variants are trained once, and compared."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.factories import fitted_versions
from tests.factories.build_processes import CommandLine
from tests.factories.dataset_parts import SyntheticRecording
from tests.factories.dataset_versions import local_store

STUDY = "name: short\nexpflow: {steps: 2, variants: [SMM, GMM], clips: 1, samples: 2}\nvqig: null\n"
RECORDINGS = [
    SyntheticRecording("a", (48, 20), emotion="happy"),
    SyntheticRecording("b", (25,), emotion="happy", split="validation"),
    SyntheticRecording("c", (1,), is_still=True),
]


@pytest.mark.slow
def test_variants_are_trained_once_and_compared(tmp_path: Path, command_line: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fitted_versions, "RECORDINGS", RECORDINGS)
    (tmp_path / "study.yaml").write_text(STUDY, encoding="utf-8")
    with local_store(tmp_path / "store") as store:
        fitted_versions.publish_fitted(store)
        version = store.list_folders("versions")[0]
        common = ("ablation", "run", tmp_path / "study.yaml", "--store", store.uri, "--dataset", version, "--device", "cpu", "--threads", 1)
        first = command_line.run(*common, "--out", tmp_path / "first", "--json")
        assert first.returncode == 0, first.stderr
        found = json.loads(first.stdout)
        assert [run["variant"] for run in found["expflow"]["runs"]] == ["SMM", "GMM"]
        assert len(store.list_folders("runs/expflow")) == 2
        again = command_line.run(*common, "--out", tmp_path / "again")
        assert again.returncode == 0, again.stderr
        assert len(store.list_folders("runs/expflow")) == 2
    assert "| GMM |" in again.stdout
    for name in ("expflow.md", "expflow.tex", "ablation.json"):
        assert (tmp_path / "first" / name).read_bytes() == (tmp_path / "again" / name).read_bytes()
    assert command_line.orphans() == []


@pytest.mark.slow
def test_a_version_that_is_not_there_is_bad_input(tmp_path: Path, command_line: CommandLine) -> None:
    (tmp_path / "study.yaml").write_text(STUDY, encoding="utf-8")

    done = command_line.run("ablation", "run", tmp_path / "study.yaml", "--store", tmp_path / "store", "--out", tmp_path / "out")

    assert done.returncode == 2, done.stderr
    assert "latest" in done.stderr
