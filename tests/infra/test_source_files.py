from __future__ import annotations

from pathlib import Path

import pytest

from infra.object_store import open_store
from infra.settings import Settings
from infra.source_files import SourceFiles
from tests.factories.stores import new_bucket, s3_settings


def test_local_files_are_used_as_they_are(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(b"x")
    with SourceFiles(tmp_path / "copies", Settings()) as files:
        assert files.local(str(tmp_path / "a.wav")) == tmp_path / "a.wav"
        assert files.exists(str(tmp_path / "a.wav"))
        assert not files.exists(str(tmp_path / "b.wav"))
        for missing in (tmp_path / "b.wav", tmp_path):
            with pytest.raises(FileNotFoundError):
                files.local(str(missing))
    assert not (tmp_path / "copies").exists()


def test_objects_are_fetched_once_with_their_names(tmp_path: Path, moto_address: str) -> None:
    settings = s3_settings(moto_address, tmp_path)
    bucket = new_bucket(moto_address)
    with open_store(f"s3://{bucket}", settings) as store:
        store.write_bytes("speech/a b#c.wav", b"sound")
    with SourceFiles(tmp_path / "copies", settings) as files:
        address = f"s3://{bucket}/speech/a b#c.wav"
        copy = files.local(address)
        assert (copy.name, copy.read_bytes()) == ("a b#c.wav", b"sound")
        assert files.exists(address)
        with open_store(f"s3://{bucket}", settings) as store:
            store.delete("speech/a b#c.wav")
        assert files.local(address) == copy
        assert not files.exists(address)
        assert not files.exists(f"s3://{bucket}/a//b")
        with pytest.raises(FileNotFoundError):
            files.local(f"s3://{bucket}/speech/none.wav")
