"""The page in a browser, from a file: it asks, remembers, and saves what the scorer reads."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.user_study.answer_files import read_answers
from pipelines.user_study.making import make_study
from pipelines.user_study.planning import StudySettings, videos_of
from pipelines.user_study.scoring import score_study
from storage_schemas.user_study import StudyDesign, StudyKey
from tests.factories.devtools_page import Page, browser_page

pytestmark = pytest.mark.ui
EMOTIONS = {"a": "happy", "b": "sad", "c/d": "angry"}


@pytest.fixture
def page(tmp_path: Path) -> Iterator[Page]:
    with browser_page(tmp_path / "profile") as opened:
        yield opened


def study(folders: dict[str, Path], out: Path, **settings: object) -> tuple[StudyKey, Path]:
    videos = {name: videos_of(folder) for name, folder in folders.items()}
    made = make_study(videos, out, StudySettings(size_px=64, **settings), truth="ground truth", emotions=EMOTIONS)  # type: ignore[arg-type]
    return made.key, made.page


def join(page: Page, path: Path, code: str, width: int = 1000) -> None:
    page.open(path, width=width)
    page.choose("#code", code)
    page.value("document.getElementById('join').requestSubmit()")
    page.wait_for("!document.getElementById('trial').hidden || !document.getElementById('end').hidden")


def answer(page: Page, place: int) -> None:
    """Watch what is shown and choose the answer at a place of each question."""
    assert page.value("document.getElementById('next').disabled")
    page.value("document.querySelectorAll('video').forEach(video => { video.muted = true; video.playbackRate = 4; })")
    page.value("document.getElementById('play').click()")
    page.wait_for("document.getElementById('wanting').textContent.includes('to answer')")
    page.value(f"document.querySelectorAll('fieldset').forEach(question => question.querySelectorAll('input')[{place}].click())")
    page.wait_for("!document.getElementById('next').disabled")
    page.value("document.getElementById('next').click()")


def saved(page: Page, folder: Path) -> Path:
    page.command("Page.setDownloadBehavior", behavior="allow", downloadPath=str(folder))
    page.value("document.getElementById('save').click()")
    page.wait_for("document.getElementById('saved').textContent.startsWith('Saved')")
    name = page.value("document.getElementById('saved').textContent").split()[2].rstrip(",")
    page.wait_for("true")
    for _ in range(200):
        if (folder / name).is_file():
            return folder / str(name)
        page.value("new Promise(resolve => setTimeout(resolve, 50))")
    raise AssertionError("nothing was downloaded")


@pytest.mark.slow
@pytest.mark.parametrize("embedded", [True, False])
def test_pairs_are_answered_and_scored(method_folders: dict[str, Path], page: Page, tmp_path: Path, embedded: bool) -> None:
    key, path = study(method_folders, tmp_path / "out", per_person=3, embedded=embedded)
    join(page, path, "anna-1")
    assert page.value("document.querySelectorAll('video').length") == 2
    for _ in range(3):
        answer(page, 0)
    file = saved(page, tmp_path)

    answers, notes = read_answers(key, [file])

    assert notes == []
    assert [found.choices["preference"] for found in answers[0].answers] == [found.shown[0] for found in answers[0].answers]
    assert score_study(key, answers).answers == 3
    assert page.errors == []


@pytest.mark.slow
def test_a_page_that_is_opened_again_goes_on(method_folders: dict[str, Path], page: Page, tmp_path: Path) -> None:
    key, path = study(method_folders, tmp_path / "out", design=StudyDesign.RATINGS, per_person=2)
    join(page, path, "p")
    assert page.value("document.querySelectorAll('fieldset').length") == 3
    answer(page, 1)
    join(page, path, "p", width=360)
    assert page.fits()
    assert page.value("document.getElementById('place').textContent") == "2 of 2"
    answer(page, 1)
    values = json.loads(saved(page, tmp_path).read_text())

    assert [found["choices"]["lip_sync"] for found in values["answers"]] == [2, 2]
    assert {found["choices"]["emotion"] for found in values["answers"]} == {"happy"}
    assert len(read_answers(key, [tmp_path / f"answers-{key.study}-p.json"])[0]) == 1


def test_everybody_gets_another_order_and_the_same_one_twice(method_folders: dict[str, Path], page: Page, tmp_path: Path) -> None:
    _, path = study(method_folders, tmp_path / "out", embedded=False)
    page.open(path)

    first, again, other = (page.value(f"JSON.stringify(trialsOf('{code}'))") for code in ("p1", "p1", "p2"))

    assert first == again != other
    assert sorted(trial["trial"] for trial in json.loads(first)) == sorted(trial["trial"] for trial in json.loads(other))
    sides = [
        trial["videos"] == sorted(trial["videos"]) for trial in json.loads(page.value("JSON.stringify(['a','b','c'].flatMap(trialsOf))"))
    ]
    assert 0 < sum(sides) < len(sides)
