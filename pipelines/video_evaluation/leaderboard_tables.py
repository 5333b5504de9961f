"""A leaderboard as Markdown, LaTeX and HTML."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources

from jinja2 import DictLoader, Environment, StrictUndefined

from pipelines.video_evaluation.metric_list import MetricMeaning

_TEMPLATE = "leaderboard.html"
_LATEX = str.maketrans({
    "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}", "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}", "\\": r"\textbackslash{}", "↑": r"$\uparrow$", "↓": r"$\downarrow$",
    "<": r"\textless{}", ">": r"\textgreater{}",
})  # fmt: skip


@dataclass(frozen=True)
class Column:
    """Values of one metric by one network; `weights` is empty where no network has a part in it."""

    metric: str
    title: str
    meaning: MetricMeaning
    weights: str

    @property
    def heading(self) -> str:
        """Title and which way is better."""
        return f"{self.title} {self.meaning.arrow}".rstrip()


@dataclass(frozen=True)
class LeaderboardTable:
    """What is shown.

    Attributes:
        facts: what all rows have in common.
        columns: in order.
        rows: name of the method, its pairs of those expected, and a cell for each column.
    """

    facts: dict[str, str]
    columns: list[Column]
    rows: list[tuple[str, str, list[str]]]

    @property
    def headings(self) -> list[str]:
        """Of all columns."""
        return ["method", "pairs", *(column.heading for column in self.columns)]

    @property
    def notes(self) -> list[str]:
        """What metrics mean, and which networks made them."""
        made = {column.title: f" Weights: {column.weights}." if column.weights else "" for column in self.columns}
        return [f"{column.title}: {column.meaning.meaning}.{made[column.title]}" for column in self.columns]


def markdown(table: LeaderboardTable) -> str:
    """Return a table for people, with its facts above and its notes below."""
    facts = "\n".join(f"- {name}: `{value}`" for name, value in table.facts.items())
    lines = ["| " + " | ".join(table.headings) + " |", "| --- | --- |" + " ---: |" * len(table.columns)]
    lines += ["| " + " | ".join([name.replace("|", "\\|"), pairs, *cells]) + " |" for name, pairs, cells in table.rows]
    return f"# Leaderboard\n\n{facts}\n\n" + "\n".join(lines) + "\n\n" + "\n".join(f"- {note}" for note in table.notes) + "\n"


def latex(table: LeaderboardTable) -> str:
    """Return a `tabular` for a paper; it needs the package booktabs."""
    facts = "\n".join(f"% {name}: {value}" for name, value in table.facts.items())
    lines = [" & ".join(text.translate(_LATEX) for text in table.headings) + r" \\", r"\midrule"]
    lines += [" & ".join(text.translate(_LATEX) for text in (name, pairs, *cells)) + r" \\" for name, pairs, cells in table.rows]
    form = "ll" + "r" * len(table.columns)
    body = "\n".join(lines)
    return f"{facts}\n\\begin{{tabular}}{{{form}}}\n\\toprule\n{body}\n\\bottomrule\n\\end{{tabular}}\n"


def html(table: LeaderboardTable) -> str:
    """Return a page that needs nothing beside it; a click on a heading sorts."""
    source = resources.files(__package__).joinpath(_TEMPLATE).read_text(encoding="utf-8")
    environment = Environment(
        loader=DictLoader({_TEMPLATE: source}), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.get_template(_TEMPLATE).render(table=table)
