from __future__ import annotations

import re

import orjson

from pipelines.rendering.batch.gallery import gallery_html
from storage_schemas.render_results import SYNTHETIC_STATEMENT, ClipResult, ClipStatus

HOSTILE = "</script><img src=x onerror=alert(1)>\u2028"


def page_data(page: str) -> list[dict[str, object]]:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    assert found
    data: list[dict[str, object]] = orjson.loads(found[1])
    return data


def test_the_page_has_every_clip_and_needs_nothing_else() -> None:
    clips = [
        ClipResult(row=2, take=0, status=ClipStatus.DONE, output="a b/ü#.mp4", text=HOSTILE, thumbnail=b"jpeg", seconds=1.5),
        ClipResult(row=3, take=0, status=ClipStatus.FAILED, reason="bad_audio", message=HOSTILE, output="clips/x.mp4"),
    ]

    page = gallery_html(clips, HOSTILE)

    assert page.count("</script>") == 2
    assert "<img" not in page
    assert SYNTHETIC_STATEMENT in page
    assert not re.search(r"https?://", page)
    first, second = page_data(page)
    assert (first["file"], first["said"], first["emotion"]) == ("a%20b/%C3%BC%23.mp4", HOSTILE, "neutral")
    assert (second["file"], second["message"]) == ("", HOSTILE)
