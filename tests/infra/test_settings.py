from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from infra.settings import Settings


def test_defaults_need_no_environment() -> None:
    settings = Settings()
    assert settings.store
    assert settings.home.is_absolute()
    assert settings.s3_endpoint_url == ""


def test_the_environment_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLOWVQTALKER_STORE", "s3://bucket/x")
    monkeypatch.setenv("FLOWVQTALKER_S3_ENDPOINT_URL", "http://127.0.0.1:9000")
    monkeypatch.setenv("FLOWVQTALKER_SCRATCH_DIR", "~/scratch")
    monkeypatch.setenv("HOME", "/home/somebody")
    settings = Settings()
    assert (settings.store, settings.s3_endpoint_url) == ("s3://bucket/x", "http://127.0.0.1:9000")
    assert settings.scratch_dir == Path("/home/somebody/scratch")


def test_wrong_values_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLOWVQTALKER_S3_MAX_ATTEMPTS", "0")
    with pytest.raises(ValidationError, match="s3_max_attempts"):
        Settings()


def test_every_setting_is_described() -> None:
    undescribed = [name for name, field in Settings.model_fields.items() if not field.description]
    assert undescribed == []
