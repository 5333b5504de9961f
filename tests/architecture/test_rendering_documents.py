"""What docs/batch_rendering.md says of options, columns, reasons and keys is so."""

from __future__ import annotations

import re

from pipelines.rendering.batch.end_to_end_benchmark import measure_end_to_end
from storage_schemas.render_request import RenderOptions
from storage_schemas.render_results import RESULT_SCHEMA, RenderFailure, RenderManifest, RenderSummary
from tests.factories.repository import document


def section(heading: str) -> str:
    return re.split(r"\n##+ ", document("docs/batch_rendering.md").split(f"\n{heading}\n", 1)[1], maxsplit=1)[0]


def names(heading: str) -> list[str]:
    """Return what the first cells of a table name, several in a cell or not."""
    cells = re.findall(r"^\| (`[^|]+`) \|", section(heading), re.MULTILINE)
    return [name for cell in cells for name in re.findall(r"`([^`]+)`", cell)]


def test_every_option_is_listed_with_its_default_and_whether_it_is_shown() -> None:
    rows = re.findall(r"^\| `(\w+)` \| `([^`]*)` \| (.+) \|$", section("## Options"), re.MULTILINE)
    defaults = RenderOptions().model_dump(mode="json")
    assert {name: default for name, default, _ in rows} == {
        name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in defaults.items()
    }
    assert {name for name, _, text in rows if text.endswith("; shown")} == set(RenderOptions().shown())


def test_every_column_reason_and_key_is_listed() -> None:
    assert sorted(names("### `results.parquet`")) == sorted(RESULT_SCHEMA.names)
    assert names("### Why clips fail") == list(RenderFailure)
    assert sorted(names("### `--json`")) == sorted(RenderSummary.model_fields)
    assert names("### `manifest.json`") == list(RenderManifest.model_fields)


def test_every_key_of_the_benchmark_is_listed() -> None:
    assert "docs/batch_rendering.md" in (measure_end_to_end.__doc__ or "")
    assert "end_to_end_share" in names("## How fast")
