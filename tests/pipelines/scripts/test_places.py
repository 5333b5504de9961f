from __future__ import annotations

import pytest

from pipelines.scripts.places import located, parent_of, scheme_problem


@pytest.mark.parametrize(
    ("name", "base", "place"),
    [
        ("a b#c.png", "/lists", "/lists/a b#c.png"),
        ("../faces/a.png", "/lists", "/lists/../faces/a.png"),
        ("/faces/a.png", "s3://bucket/x", "/faces/a.png"),
        ("file:///faces/a%20b.png", "/lists", "/faces/a b.png"),
        ("S3://bucket/a.png", "/lists", "s3://bucket/a.png"),
        ("a.png", "s3://bucket/x/", "s3://bucket/x/a.png"),
    ],
)
def test_names_begin_in_the_folder_of_the_list(name: str, base: str, place: str) -> None:
    assert scheme_problem(name) == ""
    assert located(name, base) == place


@pytest.mark.parametrize(
    "name", ["gs://b/a.png", "HTTP://h/a.png", "javascript://x/y", "file://host/a", "s3://bucket/", "pipe:0", "a\0b", "a\nb"]
)
def test_other_kinds_of_address_are_refused(name: str) -> None:
    assert scheme_problem(name)


def test_the_folder_of_a_place() -> None:
    assert parent_of("s3://bucket/a/b.csv") == "s3://bucket/a"
    assert parent_of("/a/b.csv") == "/a"
