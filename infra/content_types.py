"""What a bucket says that an object is, so that a browser shows pages and plays clips in place."""

from __future__ import annotations

UNKNOWN = "application/octet-stream"
_BY_ENDING = {
    "css": "text/css; charset=utf-8",
    "csv": "text/csv; charset=utf-8",
    "html": "text/html; charset=utf-8",
    "jpeg": "image/jpeg",
    "jpg": "image/jpeg",
    "js": "text/javascript; charset=utf-8",
    "json": "application/json",
    "jsonl": "application/x-ndjson",
    "m4a": "audio/mp4",
    "md": "text/markdown; charset=utf-8",
    "mp4": "video/mp4",
    "parquet": "application/vnd.apache.parquet",
    "png": "image/png",
    "svg": "image/svg+xml",
    "tar": "application/x-tar",
    "tex": "application/x-tex",
    "txt": "text/plain; charset=utf-8",
    "wav": "audio/wav",
    "yaml": "application/yaml",
    "yml": "application/yaml",
}


def content_type(path: str) -> str:
    """Return the media type of an object by the ending of its name; the same on every machine, unlike that of `mimetypes`."""
    name = path.rsplit("/", 1)[-1]
    ending = name.rsplit(".", 1)[-1].lower() if "." in name else ""
    return _BY_ENDING.get(ending, UNKNOWN)
