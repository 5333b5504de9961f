"""A small demo corpus, made once, and the command line in processes of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.corpora.demo.corpus import write_demo_corpus
from tests.factories.build_processes import CommandLine

SMALL_SPEC = "name: small\nlayout: demo\ncrop: {size_px: 128}\nparts: {target_recordings: 2}\nface_model: {policy: refit}\n"


@pytest.fixture(scope="session")
def demo_corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four short clips of two speakers."""
    pytest.importorskip("espeakng_loader", reason="the demo corpus needs the optional extra `speech`")
    folder = tmp_path_factory.mktemp("demo-corpus")
    write_demo_corpus(folder, clips=4, seed=3, size_px=256)
    return folder


@pytest.fixture(scope="session")
def spec_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A specification that makes building cheap: small crops, two recordings a part."""
    path = tmp_path_factory.mktemp("spec") / "small.yaml"
    path.write_text(SMALL_SPEC)
    return path


@pytest.fixture
def command_line(tmp_path: Path) -> CommandLine:
    return CommandLine(tmp_path / "home")
