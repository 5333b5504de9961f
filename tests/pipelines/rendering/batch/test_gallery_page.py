"""The gallery in a browser: it filters, its clips load, and it fits a narrow window."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.object_store import open_store
from infra.s3_store import S3ObjectStore
from pipelines.rendering.batch.gallery import gallery_html
from storage_schemas.render_results import ClipResult, ClipStatus
from tests.factories.devtools_page import Page, browser_page
from tests.factories.stores import fake_credentials, new_bucket, s3_server, s3_settings
from tests.factories.synthetic_video import write_numbered_frames

pytestmark = pytest.mark.ui
SECONDS = 1.0
SHOWN = "[...document.querySelectorAll('#clips li')].map(item => item.querySelector('div').textContent)"
DURATIONS = """Promise.all([...document.querySelectorAll('video')].map(video => new Promise((resolve, reject) => {
  video.onloadedmetadata = () => resolve(video.duration);
  video.onerror = () => reject(new Error(video.src));
  video.preload = 'metadata';
  video.load();
})))"""


@pytest.fixture
def gallery(tmp_path: Path) -> Path:
    """Three clips, two of them takes, whose names need quoting, and a failed row."""
    (tmp_path / "clips").mkdir()
    clips = [
        ClipResult(row=2, take=0, status=ClipStatus.DONE, emotion="happy", portrait="a/anna.png", output="clips/take #0 ü.mp4", text="one"),
        ClipResult(row=2, take=1, status=ClipStatus.DONE, emotion="happy", portrait="a/anna.png", output="clips/take 1.mp4", text="one"),
        ClipResult(row=3, take=0, status=ClipStatus.DONE, emotion="sad", portrait="b/otto.png", output="clips/50 % & more.mp4", text="two"),
        ClipResult(row=4, take=0, status=ClipStatus.FAILED, emotion="sad", portrait="b/otto.png", reason="bad_audio", message="<b>no</b>"),
    ]
    for clip in clips[:3]:
        write_numbered_frames(tmp_path / clip.output, 25)
    path = tmp_path / "index.html"
    path.write_text(gallery_html(clips, "list <one>"), encoding="utf-8")
    return path


@pytest.fixture
def page(tmp_path: Path) -> Iterator[Page]:
    with browser_page(tmp_path / "profile") as opened:
        yield opened


def test_clips_load_and_filters_choose(gallery: Path, page: Page) -> None:
    page.open(gallery)

    assert page.value("document.title") == "list <one>"
    assert page.value(SHOWN) == ["row 2, take 0: happy", "row 2, take 1: happy", "row 3: sad", "row 4: sad"]
    assert page.value("document.querySelector('#clips .failed p').textContent") == "<b>no</b>"
    assert page.value(DURATIONS) == pytest.approx([SECONDS] * 3, abs=0.05)
    for field, value, expected in (
        ("emotion", "happy", ["row 2, take 0: happy", "row 2, take 1: happy"]),
        ("portrait", "otto.png", ["row 3: sad", "row 4: sad"]),
        ("status", "failed", ["row 4: sad"]),
        ("words", "two", ["row 3: sad"]),
        ("words", "4", ["row 4: sad"]),
    ):
        page.choose(f"#{field}", value)
        assert page.value(SHOWN) == expected
        assert page.value("document.getElementById('count').textContent").startswith(f"{len(expected)} of 4 clips")
        page.choose(f"#{field}", "")
    page.choose("#emotion", "sad")
    page.choose("#status", "done")
    assert page.value(SHOWN) == ["row 3: sad"]
    assert page.errors == []


def test_it_opens_from_a_bucket(gallery: Path, page: Page, tmp_path: Path) -> None:
    with fake_credentials(), s3_server() as address:
        bucket = new_bucket(address)
        store = open_store(f"s3://{bucket}/some/clips", s3_settings(address, tmp_path))
        for path in sorted(gallery.parent.glob("clips/*.mp4")):
            store.publish_file(path, f"clips/{path.name}")
        store.write_bytes("index.html", gallery.read_bytes())
        assert isinstance(store, S3ObjectStore)
        for name, _ in store.list_objects(""):
            store._call("put_object_acl", Key=store._key(name), ACL="public-read")

        page.visit(f"{address}/{bucket}/some/clips/index.html")

        assert page.value("document.contentType") == "text/html"
        assert page.value(DURATIONS) == pytest.approx([SECONDS] * 3, abs=0.05)


def test_a_clip_plays(gallery: Path, page: Page) -> None:
    page.open(gallery)
    page.value("document.querySelector('video').play()")

    page.wait_for("document.querySelector('video').currentTime > 0.2")

    assert page.value("document.querySelector('video').controls")


def test_it_fits_a_narrow_window(gallery: Path, page: Page) -> None:
    page.open(gallery, width=360, height=800)

    assert page.fits()
