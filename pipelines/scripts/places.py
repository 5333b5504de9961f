"""Where the files of a script list are: paths from the list's folder, or URLs of the two kinds that are read."""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from urllib.parse import unquote

_URL = re.compile(r"^([A-Za-z][A-Za-z0-9+.-]+)://")
_BARE_SCHEME = re.compile(r"^(data|file|pipe|concat|subfile|crypto|tcp|udp|rtmp|rtsp|http|https|ftp|s3):", re.IGNORECASE)
REMOTE = "s3://"


def scheme_problem(name: str) -> str:
    """Return why a name cannot be that of a file; empty: it can."""
    if "\0" in name or "\n" in name or "\r" in name:
        return "expected the name of a file, found one with a line break or a NUL character"
    scheme = _URL.match(name) or _BARE_SCHEME.match(name)
    if scheme is None:
        return ""
    rest = name[scheme.end() :]
    if scheme[0].lower() == "file://" and rest.startswith("/"):
        return ""
    if scheme[0].lower() == REMOTE and "/" in rest.strip("/"):
        return ""
    return f"expected a path, file:///path or s3://bucket/path, found {name[:80]!r}; download the file and give its path"


def located(name: str, base: str) -> str:
    """Return where a file is: an absolute local path, or an s3:// address.

    Args:
        name: as a row gives it, without a problem of `scheme_problem`.
        base: folder of the list, local or s3://; relative names begin there.
    """
    if name.lower().startswith(REMOTE):
        return REMOTE + name[len(REMOTE) :]
    if name.lower().startswith("file://"):
        return unquote(name[len("file://") :])
    path = Path(name).expanduser()
    if path.is_absolute():
        return str(path)
    if base.lower().startswith(REMOTE):
        return REMOTE + posixpath.normpath(f"{base[len(REMOTE) :]}/{name}")
    return str(Path(base).absolute() / path)


def parent_of(place: str) -> str:
    """Return the folder of a located file, local or s3://."""
    return place.rsplit("/", 1)[0] if is_remote(place) else str(Path(place).parent)


def is_remote(place: str) -> bool:
    """Say whether a located file must be fetched before it can be opened."""
    return place.startswith(REMOTE)
