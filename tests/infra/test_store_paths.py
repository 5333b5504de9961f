from __future__ import annotations

import pytest

from infra.store_paths import checked_path, checked_prefix, markers_first
from storage_schemas.errors import BadInputError


def test_plain_paths_pass() -> None:
    for path in ("a", "a/b.c/d-e", "ü/#1 x", "..a/b.."):
        assert checked_path(path) == path
    assert (checked_prefix(""), checked_prefix("a/b/"), checked_prefix("a")) == ("", "a/b", "a")


@pytest.mark.parametrize("path", ["/", "//", "/a", "a/../b", "..", ".", "a//", "a\\b", "a\tb", "a\x7f"])
def test_others_are_refused(path: str) -> None:
    with pytest.raises(BadInputError, match="relative and plain"):
        checked_path(path)


def test_markers_go_first() -> None:
    paths = ["p/a", "p/part.json", "v/manifest.json", "a/outcome.json", "a/a.zarr/0"]
    assert sorted(paths, key=markers_first) == ["a/outcome.json", "p/part.json", "v/manifest.json", "a/a.zarr/0", "p/a"]
