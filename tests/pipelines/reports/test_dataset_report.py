from __future__ import annotations

import base64
import hashlib
import re
import tracemalloc
from html.parser import HTMLParser

import numpy as np
import pyarrow as pa
import pytest

from pipelines.reports.contact_sheet import SheetItem
from pipelines.reports.dataset_report import markdown_summary, render_report
from pipelines.reports.reason_texts import REASON_TEXTS
from storage_schemas.clips import CLIP_SCHEMA
from storage_schemas.rejections import REJECTION_SCHEMA, RejectionReason
from tests.factories.report_tables import clip_batches, example_manifest, plain_crop_jpeg, rejection_batch, rejection_batches

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>{{7*7}}\u202e&amp;"


_VOID_TAGS = {"meta", "img", "br", "rect", "line"}


class _Page(HTMLParser):
    """Collects tags, attributes and text, and checks that tags close in order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.text = ""
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag not in _VOID_TAGS or (tag == "rect" and not self.get_starttag_text().endswith("/>")):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def sheet(clips: int = 2) -> list[SheetItem]:
    landmarks = np.full((478, 2), 100.0, np.float32)
    return [
        SheetItem(f"M00{n}/angry/001_000", plain_crop_jpeg(), landmarks, frame, f"M00{n}, angry") for n in range(clips) for frame in (0, 5)
    ]


def page(clips: int = 60, rejections: int = 30) -> str:
    return render_report(example_manifest(clips, rejections), clip_batches(clips), rejection_batches(rejections), sheet())


def test_the_page_is_well_formed_and_needs_nothing_from_elsewhere() -> None:
    html = page()
    parsed = _Page(html)

    assert not {"script", "link", "iframe", "object", "embed", "form", "base"} & set(parsed.tags)
    assert not [name for name, _ in parsed.attributes if name.startswith("on") or name == "style"]
    assert all(value.startswith("data:image/jpeg;base64,") for name, value in parsed.attributes if name in ("src", "href", "srcset"))
    assert "url(" not in html
    assert "@import" not in html
    assert "http:" not in html.replace("http-equiv", "")
    assert "https:" not in html


def test_the_policy_allows_the_style_and_nothing_else() -> None:
    html = page()
    style = re.search("<style>(.*?)</style>", html, re.DOTALL).group(1)  # type: ignore[union-attr]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()

    assert f"default-src 'none'; img-src data:; style-src 'sha256-{digest}'" in html


def test_hostile_names_are_only_text() -> None:
    batch = next(clip_batches(3))
    columns = [
        pa.array([HOSTILE] * 3) if field.name in ("speaker", "emotion", "split", "licence", "clip_id") else batch.column(field.name)
        for field in CLIP_SCHEMA
    ]
    clips = pa.RecordBatch.from_arrays(columns, schema=CLIP_SCHEMA)
    rejections = rejection_batch([(HOSTILE, RejectionReason.NOT_MEDIA, HOSTILE)])
    manifest = example_manifest(3, 1)
    manifest = manifest.model_copy(update={"software": {HOSTILE: HOSTILE}, "keep_rates": {HOSTILE: 0.5}, "created": HOSTILE})

    html = render_report(manifest, [clips], [rejections], [SheetItem(HOSTILE, plain_crop_jpeg(), None, 0, HOSTILE)])
    parsed = _Page(html)

    assert "script" not in parsed.tags
    assert "onerror" not in {name for name, _ in parsed.attributes}
    assert "<script>alert(1)</script>" in parsed.text
    assert "{{7*7}}" in parsed.text
    assert "<U+202E>" in parsed.text


def test_every_figure_of_the_version_is_on_the_page() -> None:
    text = _Page(page(240, 12)).text

    for expected in (
        "made-up",
        "0123456789abcdef",
        "252",
        "95 % kept",
        "no_face",
        "filter:sync",
        "91 %",
        "1.2 GB",
        "train",
        "29.97 fps",
        "surprised",
    ):
        assert expected in text
    assert "crop.size_px" in text


def test_every_reason_is_shown_with_its_meaning_and_an_example() -> None:
    text = _Page(page(10, 2 * len(RejectionReason))).text

    assert set(REASON_TEXTS) == set(RejectionReason)
    for number, reason in enumerate(RejectionReason):
        assert reason.value in text
        assert REASON_TEXTS[reason] in text
        assert f"rec/{number:07d}: expected one thing, found {number}" in text


def test_the_tables_are_capped_and_say_so() -> None:
    html = page(10, 6000)

    assert html.count("<tr><td><bdi>rec/") <= 1000
    assert "6,000 recordings or pieces of recordings were left out" in html
    assert "rejections.parquet" in html


def test_the_same_version_gives_the_same_page() -> None:
    assert page() == page()


@pytest.mark.parametrize("empty", [[], [pa.RecordBatch.from_pylist([], schema=CLIP_SCHEMA)]])
def test_an_empty_version_has_a_page(empty: list[pa.RecordBatch]) -> None:
    text = _Page(render_report(example_manifest(0, 0), empty, [pa.RecordBatch.from_pylist([], schema=REJECTION_SCHEMA)])).text

    assert "Nothing was rejected" in text
    assert "no clips" in text


def test_a_large_version_is_rendered_in_bounded_memory() -> None:
    tracemalloc.start()
    html = render_report(example_manifest(60_000, 6_000), clip_batches(60_000), rejection_batches(6_000), sheet(48))
    peak_mb = tracemalloc.get_traced_memory()[1] / 2**20
    tracemalloc.stop()

    assert peak_mb < 60
    assert len(html) < 3_000_000


def test_markdown_summary_names_the_version_and_its_filters() -> None:
    summary = markdown_summary(example_manifest())

    assert summary.startswith("# made-up `0123456789abcdef`\n")
    assert "| clips | 240 |" in summary
    assert "| no_face | 98 % |" in summary
