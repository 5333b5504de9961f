from __future__ import annotations

import pytest

from pipelines.dataset import stage_versions
from pipelines.dataset.stage_versions import SOFTWARE, STAGE_VERSIONS, software_versions


def test_every_library_is_installed() -> None:
    versions = software_versions()
    assert list(versions) == sorted(SOFTWARE)
    assert all(versions.values())


def test_a_missing_library_has_an_empty_version(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stage_versions, "SOFTWARE", {"decord": "no-such-distribution"})
    assert software_versions() == {"decord": ""}


def test_stages_have_whole_versions() -> None:
    assert all(isinstance(number, int) and number >= 1 for number in STAGE_VERSIONS.values())
