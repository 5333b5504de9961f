"""Tables of a report in four forms: Markdown, LaTeX (booktabs), HTML and Parquet."""

from __future__ import annotations

import html
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.parquet as pq

Value = str | int | float | None

_LATEX = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "±": r"$\pm$",
}  # fmt: skip


@dataclass(frozen=True)
class ReportTable:
    """A table as people read it, and the records behind it as programs do.

    Attributes:
        name: of its files, e.g. "expflow".
        caption: one sentence.
        columns: headings; the first column names the row.
        rows: cells as text, each row as long as `columns`.
        records: what the Parquet file holds: one mapping a row, all with the same keys.
    """

    name: str
    caption: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    records: Sequence[Mapping[str, Value]] = field(default_factory=list)

    def markdown(self) -> str:
        """Return the table as GitHub's Markdown."""
        lines = [self.columns, ["---"] * len(self.columns), *self.rows]
        return "".join(f"| {' | '.join(_markdown(cell) for cell in line)} |\n" for line in lines)

    def latex(self) -> str:
        """Return the table as a LaTeX table; it needs the package booktabs."""
        lines = [" & ".join(_latex(cell) for cell in line) + r" \\" for line in [self.columns, *self.rows]]
        layout = "l" + "r" * (len(self.columns) - 1)
        return "\n".join(
            [
                r"\begin{table}", r"\centering", rf"\caption{{{_latex(self.caption)}}}", rf"\begin{{tabular}}{{{layout}}}", r"\toprule",
                lines[0], r"\midrule", *lines[1:], r"\bottomrule", r"\end{tabular}", r"\end{table}", "",
            ]
        )  # fmt: skip

    def html(self) -> str:
        """Return the table as an HTML element."""
        head = "".join(f"<th>{html.escape(cell)}</th>" for cell in self.columns)
        body = "".join(
            f"<tr><th>{html.escape(row[0])}</th>{''.join(f'<td>{html.escape(cell)}</td>' for cell in row[1:])}</tr>\n" for row in self.rows
        )
        return (
            f"<table>\n<caption>{html.escape(self.caption)}</caption>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}</tbody>\n</table>\n"
        )

    def parquet(self) -> bytes:
        """Return the records as a Parquet file; without records the cells as text."""
        records = list(self.records) or [dict(zip(self.columns, row, strict=True)) for row in self.rows]
        buffer = io.BytesIO()
        pq.write_table(pa.Table.from_pylist(records), buffer, compression="zstd")
        return buffer.getvalue()


def spread_text(values: Sequence[float | None], digits: int, *, percent: bool = False, missing: str = "n/a") -> str:
    """Return the mean of the known values and, of several, their sample standard deviation."""
    known = [100 * value if percent else value for value in values if value is not None]
    if not known:
        return missing
    mean = sum(known) / len(known)
    unit = " %" if percent else ""
    if len(known) == 1:
        return f"{mean:.{digits}f}{unit}"
    deviation = (sum((value - mean) ** 2 for value in known) / (len(known) - 1)) ** 0.5
    return f"{mean:.{digits}f} ± {deviation:.{digits}f}{unit}"


def _markdown(cell: str) -> str:
    return cell.replace("\\", "\\\\").replace("|", "\\|").replace("\n", " ").replace("<", "&lt;")


def _latex(cell: str) -> str:
    return "".join(_LATEX.get(character, character) for character in cell.replace("\n", " "))
