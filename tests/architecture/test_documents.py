"""What the documents say is so: trees, commands, links, and the fields of stored records."""

from __future__ import annotations

import re
import shlex

import click
import pyarrow as pa
import pytest
import typer.main
from pydantic import BaseModel

from storage_schemas import build_spec, build_summary, clips, dataset_version, face_models, part_layout, recordings, rejections
from tests.factories.repository import PACKAGES, ROOT, document, tracked_files

DOCUMENTS = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", *sorted(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md"))]
_ENTRY = re.compile(r"^(?P<indent> *)(?P<name>[\w./-]+)(?: {2,}.*)?$")


def fenced_blocks(name: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", document(name), re.MULTILINE | re.DOTALL)


def tree_entries() -> list[str]:
    """Return the paths that README's tree shows."""
    (tree,) = fenced_blocks("README.md", "text")
    folders: list[tuple[int, str]] = []
    entries = []
    for line in tree.splitlines():
        match = _ENTRY.match(line)
        assert match, f"not an entry of a tree: {line!r}"
        folders = [(indent, folder) for indent, folder in folders if indent < len(match["indent"])]
        entries.append("".join(folder for _, folder in folders) + match["name"])
        if match["name"].endswith("/"):
            folders.append((len(match["indent"]), match["name"]))
    return entries


def test_the_tree_in_the_readme_is_true() -> None:
    assert [entry for entry in tree_entries() if not (ROOT / entry).exists()] == []


def test_the_tree_in_the_readme_is_whole() -> None:
    tracked = [path.relative_to(ROOT).as_posix() for path in tracked_files()]
    found = [re.fullmatch(rf"((?:{'|'.join(PACKAGES)})/\w+/)__init__\.py", name) for name in tracked]
    expected = {f"{package}/" for package in (*PACKAGES, "tests", "docs")} | {match[1] for match in found if match}

    assert expected - set(tree_entries()) == set()


@pytest.mark.parametrize("name", DOCUMENTS)
def test_links_between_documents_lead_somewhere(name: str) -> None:
    targets = re.findall(r"\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)", document(name))

    assert [target for target in targets if not (ROOT / name).parent.joinpath(target).exists()] == []


@pytest.mark.parametrize("name", DOCUMENTS)
def test_make_targets_named_in_documents_exist(name: str) -> None:
    targets = set(re.findall(r"^([a-z-]+):", document("Makefile"), re.MULTILINE))

    assert set(re.findall(r"`make ([a-z-]+)`", document(name))) <= targets
    assert {line.split()[1] for block in fenced_blocks(name, "sh") for line in block.splitlines() if line.startswith("make ")} <= targets


def documented_commands() -> list[tuple[str, str]]:
    lines = [(name, line) for name in DOCUMENTS for block in fenced_blocks(name, "sh") for line in block.replace("\\\n", " ").splitlines()]
    return [(name, line) for name, line in lines if "flowvqtalker " in line and not line.startswith("#")]


@pytest.mark.parametrize(("name", "line"), documented_commands())
def test_commands_in_documents_have_the_options_they_use(name: str, line: str) -> None:
    from flows.command_line import app  # noqa: PLC0415 - Typer's tree is wanted by this test alone

    words = shlex.split(line, comments=True)
    words = words[next(i for i, word in enumerate(words) if word.endswith("flowvqtalker")) + 1 :]
    command: click.Command = typer.main.get_command(app)
    while hasattr(command, "commands"):
        if words[0] not in command.commands and hasattr(command, "default_command"):
            words.insert(0, command.default_command)
        assert words[0] in command.commands, f"{name}: no command {words[0]!r} in {line!r}"
        command = command.commands[words.pop(0)]
    options = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
    assert {word.split("=")[0] for word in words if word.startswith("--")} <= options


RECORDS: dict[str, pa.Schema | type[BaseModel]] = {
    "versions/<id>/clips.parquet": clips.CLIP_SCHEMA,
    "versions/<id>/rejections.parquet": rejections.REJECTION_SCHEMA,
    "versions/<id>/objects.parquet": dataset_version.OBJECT_SCHEMA,
    "versions/<id>/manifest.json": dataset_version.VersionManifest,
    "tags/<name>.json": dataset_version.Tag,
    "parts/<family>/<xx>/<key>/part.json": part_layout.PartIndex,
    "face_models/<id>/card.json": face_models.FaceModelCard,
    "face_models/current.json": face_models.CurrentFaceModel,
    "Listing": recordings.RECORDING_SCHEMA,
    "Build summary": build_summary.BuildSummary,
}


def documented_fields(heading: str) -> dict[str, str]:
    """Return name and type of each row of the table below a heading of the data formats."""
    section = document("docs/data_formats.md").split(f"### `{heading}`\n" if "/" in heading else f"### {heading}\n", 1)[1]
    table = re.split(r"^#{2,3} ", section, maxsplit=1, flags=re.MULTILINE)[0]
    return dict(re.findall(r"^\| `(\w+)` \| ([^|]+) \|", table, re.MULTILINE))


@pytest.mark.parametrize("heading", RECORDS)
def test_the_data_formats_list_the_fields_that_are_stored(heading: str) -> None:
    record = RECORDS[heading]
    documented = documented_fields(heading)

    if isinstance(record, pa.Schema):
        assert documented == {field.name: str(field.type) for field in record}
    else:
        assert list(documented) == list(record.model_fields)


def test_the_data_formats_explain_every_rejection_reason() -> None:
    section = document("docs/data_formats.md").split("### Rejection reasons\n", 1)[1].split("\n## ", 1)[0]

    assert re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE) == [reason.value for reason in rejections.RejectionReason]


def test_the_data_formats_list_every_setting_of_a_specification() -> None:
    section = document("docs/data_formats.md").split("## Build specification\n", 1)[1].split("\n## ", 1)[0]
    settings = dict(re.findall(r"^\| `([\w.]+)` \| `?([^|`]*)`? \|", section, re.MULTILINE))
    defaults = dict(flat(build_spec.BuildSpec().model_dump(mode="json")))

    assert settings == {
        name: ("" if value in ("", []) else str(value).lower() if isinstance(value, bool) else str(value))
        for name, value in defaults.items()
    }


def flat(values: dict[str, object], prefix: str = "") -> list[tuple[str, object]]:
    rows: list[tuple[str, object]] = []
    for name, value in values.items():
        rows += flat(value, f"{prefix}{name}.") if isinstance(value, dict) else [(f"{prefix}{name}", value)]
    return rows
