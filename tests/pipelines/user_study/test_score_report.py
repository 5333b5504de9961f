from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq

from pipelines.user_study.score_report import methods_table, write_scores
from pipelines.user_study.scoring import score_study
from storage_schemas.user_study import StudyDesign, StudyScores
from tests.factories.study_answers import preferences, ratings, study_key


def test_a_table_like_the_papers_is_written(tmp_path: Path) -> None:
    key = study_key(StudyDesign.RATINGS, emotions=("happy", "sad"))
    answers = [ratings(key, name, lambda *asked: "happy" if asked[1] == "emotion" else 4) for name in ("p1", "p2")]
    scores = score_study(key, answers, ["left out x.json: <b>"])

    files = write_scores(scores, tmp_path / "out")

    assert methods_table(scores).markdown().splitlines() == [
        "|  | ours | other | ground truth |",
        "| --- | --- | --- | --- |",
        "| Lip-sync | 4.00 [4.00, 4.00] | 4.00 [4.00, 4.00] | 4.00 [4.00, 4.00] |",
        "| Image quality | 4.00 [4.00, 4.00] | 4.00 [4.00, 4.00] | 4.00 [4.00, 4.00] |",
        "| Emotion accuracy | 50.0 % [21.5, 78.5] | 50.0 % [21.5, 78.5] | 50.0 % [21.5, 78.5] |",
    ]
    assert sorted(path.name for path in files) == ["index.html", "scores.json", "scores.md", "scores.parquet", "scores.tex"]
    assert r"50.0 \% [21.5, 78.5]" in (tmp_path / "out" / "scores.tex").read_text()
    assert "&lt;b&gt;" in (tmp_path / "out" / "index.html").read_text()
    assert StudyScores.model_validate_json((tmp_path / "out" / "scores.json").read_bytes()) == scores
    assert pq.read_table(tmp_path / "out" / "scores.parquet").num_rows == 9


def test_pairs_have_a_table_of_their_own(tmp_path: Path) -> None:
    key = study_key(StudyDesign.PAIRS)
    scores = score_study(key, [preferences(key, "p1", lambda *_: None)])

    write_scores(scores, tmp_path)

    assert "| ours : other | Lip-sync | 0 : 4 : 0 | 50.0 %" in (tmp_path / "pairs.md").read_text()
    assert pq.read_table(tmp_path / "pairs.parquet").num_rows == 9
