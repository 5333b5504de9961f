"""Names that trouble shells, URL parsers, templates, terminals and file formats, all of which a file system allows."""

from __future__ import annotations

import os

NASTY_STEMS: tuple[str, ...] = (
    "two  spaces ",
    " leading space",
    "hash#tag#",
    "quote'single",
    'quote"double',
    "new\nline",
    "tab\tand\rreturn",
    "semi;touch pwned;",
    "`touch pwned`",
    "$(touch pwned)",
    "&& touch pwned",
    "| touch pwned",
    "> pwned",
    "${HOME}~$PATH",
    "100%d%s%n%03d",
    "%2e%2e%2fescape",
    "-rf",
    "--help",
    "back\\slash",
    "bell\x07escape\x1b[31mred",
    "n" * 251,
    "é" * 125,
    os.fsdecode(b"\xff\xfenot utf-8\x80"),
    os.fsdecode(b"lone surrogate \xed\xa0\x80"),
    "emoji \U0001f600\U0001f1e9\U0001f1ea",
    "right-to-left \u202egpj.\u202c",
    "\u05e9\u05dc\u05d5\u05dd \u0645\u0631\u062d\u0628\u0627",
    "caf\u00e9 composed",
    "cafe\u0301 composed",
    "zero\u200bwidth\ufeff",
    "line\u2028separator",
    "pipe:0",
    "pipe:cat x",
    "http:example.com",
    "concat:a.mp4|b.mp4",
    "file:x",
    "subfile,,start,0,end,9,,:x",
    "data:video;base64,AAAA",
    "fd:0",
    "tee:[f=null]x",
    "glob*?[a-z]{b,c}",
    "question?query=1&x=2",
    "<script>alert(1)</script>".replace("/", "\u2215"),
    "[bold red]markup[/bold red]".replace("/", "\u2215"),
    "{{7*7}}{name}",
    "../escape".replace("/", "\u2215"),
    "con",
    "NULL",
    "...",
    "x.tar.gz.part.0",
    "",
)
"""To be followed by a suffix such as ``.mp4``; the last gives a hidden file that is nothing but a suffix."""

NASTY_FOLDERS: tuple[str, ...] = (
    "http:/example.com",
    "folder #1; `touch pwned`/$(touch pwned)",
    "/".join(["deep folder"] * 40),
    os.fsdecode(b"\xfffolder\n"),
    "-o",
)
"""Folders, relative, in which good clips lie."""
