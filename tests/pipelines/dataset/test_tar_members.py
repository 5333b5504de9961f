from __future__ import annotations

import io
import tarfile

import pytest

from pipelines.dataset.tar_members import Member, member_header, padding_bytes, parse_member


def test_headers_are_parsed_back() -> None:
    header = member_header("0123456789abcdef-000042.jpg", 1025)
    assert len(header) == 512
    member = parse_member(header, 2048)
    assert member == Member("0123456789abcdef-000042.jpg", 2560, 1025)
    assert member.end == 2560 + 1536


def test_headers_hold_nothing_of_time_or_person() -> None:
    info = tarfile.TarInfo.frombuf(member_header("x", 1), "utf-8", "strict")
    assert (info.mtime, info.uid, info.gid, info.uname, info.gname, info.mode) == (0, 0, 0, "", "", 0o444)


@pytest.mark.parametrize(("size", "padding"), [(0, 0), (1, 511), (512, 0), (513, 511)])
def test_data_are_padded_to_blocks(size: int, padding: int) -> None:
    assert padding_bytes(size) == padding


def test_other_members_are_refused() -> None:
    link = tarfile.TarInfo("x")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
    with pytest.raises(tarfile.HeaderError, match="not a regular file"):
        parse_member(link.tobuf(), 0)
    for data in (bytes(512), b"", b"x" * 512, io.BytesIO(member_header("x", 1)).getvalue()[:511]):
        with pytest.raises(tarfile.HeaderError):
            parse_member(data, 0)
