"""A page of tables and pictures that needs nothing else, and the same tables as files."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from pipelines.reports.tables import ReportTable

_TEMPLATE = "table_page.html"


@dataclass(frozen=True)
class Section:
    """One table of a page, with pictures below it.

    Attributes:
        heading: of the section.
        table: the table.
        pictures: (what it shows, PNG).
    """

    heading: str
    table: ReportTable
    pictures: Sequence[tuple[str, bytes]] = field(default_factory=list)


def table_page(title: str, sections: Sequence[Section], notes: Sequence[str] = ()) -> str:
    """Return a page with a section for each table; it loads nothing from anywhere."""
    environment = Environment(loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined)
    shown = [(section.heading, section.table.html(), [(alt, _data_uri(png)) for alt, png in section.pictures]) for section in sections]
    return environment.get_template(_TEMPLATE).render(title=title, notes=notes, sections=shown)


def write_tables(folder: Path, title: str, sections: Sequence[Section], notes: Sequence[str] = ()) -> list[Path]:
    """Write each table as Markdown, LaTeX and Parquet, and ``index.html`` with all of them.

    Args:
        folder: made if it is not there.
        title: of the page.
        sections: tables and pictures; files are called after the tables.
        notes: sentences below the title.

    Returns:
        The files, the page first.

    Raises:
        OSError: the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    page = folder / "index.html"
    page.write_text(table_page(title, sections, notes), encoding="utf-8")
    files = [page]
    for section in sections:
        table = section.table
        for ending, data in (("md", table.markdown().encode()), ("tex", table.latex().encode()), ("parquet", table.parquet())):
            files.append(folder / f"{table.name}.{ending}")
            files[-1].write_bytes(data)
    return files


def _data_uri(png: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"
