"""The scores of a study as tables: methods in columns as in the paper's table 2, and comparisons of pairs."""

from __future__ import annotations

from pathlib import Path

from pipelines.reports.table_page import Section, write_tables
from pipelines.reports.tables import ReportTable
from storage_schemas.user_study import EMOTION, SCORES_FILE, Estimate, MethodScores, StudyDesign, StudyScores

_TITLES = {"lip_sync": "Lip-sync", "image_quality": "Image quality", "preference": "Preferred", EMOTION: "Emotion accuracy"}
_INTERVALS = (
    "In brackets: 95 % confidence interval, the wider of that over answers and that over the means of participants; answers of one person"
    " are not independent."
)


def write_scores(scores: StudyScores, folder: Path) -> list[Path]:
    """Write ``scores.json``, the tables as Markdown, LaTeX and Parquet, and a page; return the files.

    Raises:
        OSError: the folder cannot be written.
    """
    sections = [Section("Scores", methods_table(scores))]
    if scores.pairs:
        sections.append(Section("Pairs", pairs_table(scores)))
    notes = [
        f"Study {scores.study}: {_count(scores.participants, 'participant')}, {_count(scores.answers, 'answered trial')}"
        f" ({scores.unanswered} left out).", _INTERVALS, *scores.notes,
    ]  # fmt: skip
    files = write_tables(folder, scores.title, sections, notes)
    files.append(folder / SCORES_FILE)
    files[-1].write_text(scores.model_dump_json(indent=1) + "\n", encoding="utf-8")
    return files


def methods_table(scores: StudyScores) -> ReportTable:
    """Return a row for each question and a column for each method."""
    shares = scores.design is StudyDesign.PAIRS
    names = list(dict.fromkeys(name for method in scores.methods for name in method.scores))
    if any(method.emotion_accuracy is not None for method in scores.methods):
        names.append(EMOTION)
    rows = [[_TITLES[name], *[_cell(_said(method, name), shares or name == EMOTION) for method in scores.methods]] for name in names]
    records = [
        {"method": method.method, "question": name, **_values(found)}
        for name in names
        for method in scores.methods
        if (found := _said(method, name)) is not None
    ]
    caption = "Share of comparisons won, ties counting half." if shares else "Mean scores, 1 (worst) to 5 (best)."
    return ReportTable("scores", caption, ["", *[method.method for method in scores.methods]], rows, records)


def pairs_table(scores: StudyScores) -> ReportTable:
    """Return a row for each pair of methods and question."""
    rows = [
        [
            f"{pair.first} : {pair.second}",
            _TITLES[pair.question],
            f"{pair.first_better} : {pair.same} : {pair.second_better}",
            _cell(pair.first_rate, share=True),
        ]
        for pair in scores.pairs
    ]
    records = [
        {**pair.model_dump(exclude={"first_rate"}), **{f"first_rate_{name}": value for name, value in _values(pair.first_rate).items()}}
        for pair in scores.pairs
    ]
    columns = ["first : second", "question", "first better : same : second better", "first preferred"]
    return ReportTable("pairs", "Comparisons of two methods' videos of one clip.", columns, rows, records)


def _said(method: MethodScores, question: str) -> Estimate | None:
    return method.emotion_accuracy if question == EMOTION else method.scores.get(question)


def _cell(found: Estimate | None, share: bool) -> str:
    if found is None:
        return "n/a"
    factor, digits, unit = (100, 1, " %") if share else (1, 2, "")
    interval = "" if found.low is None or found.high is None else f" [{factor * found.low:.{digits}f}, {factor * found.high:.{digits}f}]"
    return f"{factor * found.mean:.{digits}f}{unit}{interval}"


def _values(found: Estimate) -> dict[str, float | int | None]:
    return {"mean": found.mean, "low": found.low, "high": found.high, "answers": found.answers}


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
