"""``flowvqtalker evaluate study``: a user study as a page that works from a file, and the scores of its answers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flows.commands.console import progress_bar, say, write_json, write_line
from flows.commands.options import JsonOption
from storage_schemas.errors import BadInputError
from storage_schemas.store_trouble import store_trouble
from storage_schemas.user_study import StudyDesign

if TYPE_CHECKING:
    from storage_schemas.user_study import StudyScores

app = typer.Typer(no_args_is_help=True, help="Blinded comparison of methods by people.")

TRUTH_NAME = "ground truth"


@app.command("make")
def make_command(
    *,
    methods: Annotated[list[str], typer.Argument(metavar="[NAME=]FOLDER...", help="Folders of videos, one for each method.")],
    out: Annotated[Path, typer.Option(help="Folder for key.json, which stays with you, and page/, which you hand out.")],
    truth: Annotated[Path | None, typer.Option(help="Folder of the true videos: one more method, shown last in the tables.")] = None,
    design: Annotated[
        StudyDesign, typer.Option(help="pairs: two videos of a clip at a time; ratings: one, scored 1 to 5.")
    ] = StudyDesign.PAIRS,
    clips: Annotated[int, typer.Option(min=0, help="Most clips, chosen by the seed; 0: all that every method has.")] = 0,
    per_person: Annotated[int, typer.Option(min=0, help="Most trials of one participant, each getting others; 0: all.")] = 0,
    emotions: Annotated[
        Path | None, typer.Option(help="CSV (clip, emotion): ratings also ask for the emotion. Default: what `render` knows.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Decides clips, blinded names and trials.")] = 0,
    size: Annotated[int, typer.Option(min=64, max=1024, help="Side in px of the square into which all videos are fitted.")] = 256,
    title: Annotated[str, typer.Option(help="Heading of the page.")] = "Talking faces",
    files: Annotated[bool, typer.Option("--files", help="Leave the videos beside the page instead of putting them into it.")] = False,
    json: JsonOption = False,
) -> None:
    """Make a study from folders of videos whose clips have the same names.

    Example: flowvqtalker evaluate study make ours=clips/ other=theirs/ --truth real/ --out study/
    """
    from pipelines.user_study.emotion_labels import read_emotions, rendered_emotions  # noqa: PLC0415 - OpenCV takes a second to import
    from pipelines.user_study.making import make_study  # noqa: PLC0415
    from pipelines.user_study.planning import StudySettings, videos_of  # noqa: PLC0415

    folders = named_places(methods)
    if truth is not None:
        if TRUTH_NAME in folders:
            raise BadInputError(f"no method can be called {TRUTH_NAME!r} where there is --truth")
        folders[TRUTH_NAME] = truth
    labels = read_emotions(emotions) if emotions is not None else rendered_emotions(folders.values())
    settings = StudySettings(title, design, seed, clips, per_person, size // 2 * 2, embedded=not files)
    videos = {name: videos_of(folder) for name, folder in folders.items()}
    with progress_bar("blinding", quiet=json) as advance, store_trouble("write", out):
        made = make_study(videos, out, settings, truth=TRUTH_NAME if truth is not None else "", emotions=labels, on_progress=advance)
    if json:
        values = {"clips": len({video.clip for video in made.key.videos}), "trials": len(made.key.trials), "notes": made.notes}
        write_json({"study": made.key.study, "methods": made.key.methods, "page": str(made.page), "key": str(made.key_file), **values})
        return
    for note in made.notes:
        say(note)
    beside = " with the folder videos beside it" if (made.page.parent / "videos").is_dir() else ""
    say(f"hand out {made.page}{beside}; keep {made.key_file} to yourself")


@app.command("score")
def score_command(
    *,
    key: Annotated[Path, typer.Argument(metavar="KEY", help="key.json of the study, or its folder.")],
    answers: Annotated[list[Path], typer.Argument(metavar="ANSWERS...", help="Files that participants saved, or folders of them.")],
    out: Annotated[Path, typer.Option(help="Folder for index.html, scores.json and tables as Markdown, LaTeX and Parquet.")],
    json: JsonOption = False,
) -> None:
    """Unblind answers, and write means and shares by method with confidence intervals.

    Example: flowvqtalker evaluate study score study/ answers/ --out scores/
    """
    from pipelines.user_study.answer_files import answer_files, read_answers, read_key  # noqa: PLC0415 - SciPy takes a second to import
    from pipelines.user_study.score_report import methods_table, write_scores  # noqa: PLC0415
    from pipelines.user_study.scoring import score_study  # noqa: PLC0415

    found = read_key(key)
    given, notes = read_answers(found, answer_files(answers))
    scores: StudyScores = score_study(found, given, notes)
    with store_trouble("write", out):
        write_scores(scores, out)
    if json:
        write_json({**scores.model_dump(mode="json"), "out": str(out)})
        return
    for note in notes:
        say(note)
    write_line(methods_table(scores).markdown())
    say(f"written to {out}")


def named_places(places: list[str]) -> dict[str, Path]:
    """Return paths by the names before their equals signs, or else by their last parts.

    Raises:
        BadInputError: a name is empty or there twice.
    """
    found: dict[str, Path] = {}
    for place in places:
        name, sign, path = place.partition("=")
        if not sign or Path(place).exists():
            name, path = Path(place).absolute().name, place
        if not name.strip() or not path:
            raise BadInputError(f"{place!r}: expected NAME=PATH or a path")
        if name in found:
            raise BadInputError(f"two are called {name!r}; give them names: NAME=PATH")
        found[name] = Path(path)
    return found
