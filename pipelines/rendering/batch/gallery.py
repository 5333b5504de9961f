"""The gallery of an output folder: one page that plays the clips and filters them by emotion, portrait and status."""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import orjson
from jinja2 import Environment, FileSystemLoader, select_autoescape

from storage_schemas.render_results import SYNTHETIC_STATEMENT, ClipResult

_TEMPLATE = "gallery.html"
_LONGEST_TEXT = 200


def gallery_html(results: Iterable[ClipResult], title: str) -> str:
    """Return the page; it needs nothing but the clips beside it.

    Args:
        results: of the list, in its order.
        title: of the page.
    """
    environment = Environment(loader=FileSystemLoader(Path(__file__).parent), autoescape=select_autoescape())
    clips = list(results)
    takes = Counter(result.row for result in clips)
    data = orjson.dumps([{**_shown(result), "takes": takes[result.row]} for result in clips]).decode()
    # Within a script element only these could end it or begin another.
    safe = (
        data.replace("<", "\\u003c")
        .replace(">", "\\u003e")
        .replace("&", "\\u0026")
        .replace("\u2028", "\\u2028")
        .replace("\u2029", "\\u2029")
    )
    return environment.get_template(_TEMPLATE).render(title=title, clips=safe, statement=SYNTHETIC_STATEMENT)


def _shown(result: ClipResult) -> dict[str, Any]:
    picture = f"data:image/jpeg;base64,{base64.b64encode(result.thumbnail).decode()}" if result.thumbnail else ""
    return {
        "row": result.row, "take": result.take, "status": result.status.value, "reason": result.reason, "message": result.message,
        "file": quote(result.output) if result.status.value == "done" else "", "emotion": _emotion(result),
        "portrait": result.portrait.rsplit("/", 1)[-1], "said": (result.text or result.audio.rsplit("/", 1)[-1])[:_LONGEST_TEXT],
        "seed": result.seed, "seconds": round(result.seconds, 2), "picture": picture,
    }  # fmt: skip


def _emotion(result: ClipResult) -> str:
    if result.emotion_reference:
        return f"as {result.emotion_reference.rsplit('/', 1)[-1]}"
    return result.emotion or "neutral"
