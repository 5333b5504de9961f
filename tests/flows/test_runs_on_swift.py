"""A build and a rendering on an S3 server that checks signatures and takes large objects in parts: Swift, where it is installed."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest

from tests.factories.build_processes import CommandLine, build_arguments
from tests.factories.render_stores import RenderStore, rows_of
from tests.factories.stores import new_bucket, s3_environment
from tests.factories.swift_server import SwiftServer, swift_server

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

_LARGE_PARTS = "name: small\nlayout: demo\ncrop: {size_px: 768, jpeg_quality: 100}\nparts: {target_recordings: 4}\n"
_LOGGER = logging.getLogger(__name__)


@pytest.fixture(scope="module")
def swift() -> Iterator[SwiftServer]:
    with swift_server() as server, server.credentials():
        yield server


@pytest.fixture
def on_swift(swift: SwiftServer, tmp_path: Path) -> CommandLine:
    return CommandLine(tmp_path / "home", s3_environment(swift.address, tmp_path))


@pytest.fixture
def bucket(swift: SwiftServer) -> str:
    return new_bucket(swift.address)


def test_a_wrong_secret_is_refused(swift: SwiftServer, on_swift: CommandLine, bucket: str, spec_file: Path, demo_corpus: Path) -> None:
    with swift.credentials("a-wrong-one"):
        done = on_swift.run(*build_arguments(spec_file, demo_corpus, f"s3://{bucket}/faces"))

    assert done.returncode == 1
    assert "no valid credentials" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_build_with_large_parts_gives_the_version_that_a_folder_gets(
    swift: SwiftServer, on_swift: CommandLine, bucket: str, demo_corpus: Path, tmp_path: Path
) -> None:
    spec = tmp_path / "large.yaml"
    spec.write_text(_LARGE_PARTS)
    uri = f"s3://{bucket}/faces"

    in_folder = CommandLine(tmp_path / "home").build(spec, demo_corpus, tmp_path / "store")
    in_bucket = on_swift.build(spec, demo_corpus, uri)
    verified = on_swift.run("dataset", "verify", "latest", "--store", uri)

    parts = swift.parts_of(bucket)
    _LOGGER.info("uploaded in parts: %s", parts)
    assert any(key.endswith("/frames.tar") and number > 1 for key, number in parts.items())
    assert in_bucket["dataset_version"] == in_folder["dataset_version"]
    assert verified.returncode == 0, verified.stderr
    assert on_swift.build(spec, demo_corpus, uri)["unchanged"]


def test_a_list_gives_the_clips_that_a_folder_gets(
    swift: SwiftServer, on_swift: CommandLine, bucket: str, render_runs: RenderStore, tmp_path: Path
) -> None:
    scripts = render_runs.write_list("swift.csv", rows_of(3))
    client = boto3.client("s3", endpoint_url=swift.address, region_name="us-east-1")
    for path in Path(render_runs.uri).rglob("*"):
        if path.is_file():
            client.upload_file(str(path), bucket, f"store/{path.relative_to(render_runs.uri)}")

    in_folder = on_swift.run("render", scripts, "--models", render_runs.uri, "--out", tmp_path / "clips", "--json")
    in_bucket = on_swift.run("render", scripts, "--models", f"s3://{bucket}/store", "--out", f"s3://{bucket}/clips", "--json")

    assert (in_folder.returncode, in_bucket.returncode) == (0, 0), in_folder.stderr + in_bucket.stderr
    assert json.loads(in_bucket.stdout)["rows_done"] == 3
    listed = client.list_objects_v2(Bucket=bucket, Prefix="clips/")["Contents"]
    names = [entry["Key"].removeprefix("clips/") for entry in listed if entry["Key"].endswith(".mp4")]
    clips = {path.relative_to(tmp_path / "clips").as_posix(): path.read_bytes() for path in (tmp_path / "clips").rglob("*.mp4")}
    assert {name: client.get_object(Bucket=bucket, Key=f"clips/{name}")["Body"].read() for name in names} == clips
    assert len(clips) == 3
