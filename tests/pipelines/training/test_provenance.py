"""Sources and libraries of a run."""

from __future__ import annotations

import pytest

from pipelines.training.provenance import code_version, software_versions
from storage_schemas.training_runs import RunKind


@pytest.mark.parametrize("kind", RunKind)
def test_every_kind_has_versions(kind: RunKind) -> None:
    package, _, sources = code_version(kind).partition("+")
    assert package
    assert len(sources) == 12
    assert all(software_versions(kind).values())


def test_networks_of_other_sources_have_other_versions() -> None:
    assert len({code_version(kind) for kind in RunKind}) == 3
