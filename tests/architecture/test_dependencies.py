"""The dependency lock: whole, exact, tied to no machine; and a written reason for each dependency."""

from __future__ import annotations

import ast
import importlib.metadata
import re
import sys

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from tests.factories.repository import PACKAGES, document, project_file, source_modules


def direct_requirements() -> list[Requirement]:
    project = project_file()["project"]
    extras = [text for texts in project["optional-dependencies"].values() for text in texts]
    return [Requirement(text) for text in [*project["dependencies"], *extras]]


def locked_requirements() -> list[Requirement]:
    """Leave out what only servers and clusters need, which is not in the lock."""
    extras = project_file()["project"]["optional-dependencies"]
    elsewhere = {Requirement(text).name for extra in ("cluster", "server") for text in extras[extra]}
    return [requirement for requirement in direct_requirements() if requirement.name not in elsewhere]


def imported_packages() -> set[str]:
    """Return the top-level names of everything that the sources import and that is neither ours nor Python's."""
    nodes = [node for module in source_modules() for node in ast.walk(module.tree)]
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module and not node.level}
    return {name.split(".")[0] for name in names} - set(PACKAGES) - set(sys.stdlib_module_names)


def locked_versions() -> dict[str, Version]:
    lines = [line for line in document("requirements.lock").splitlines() if line and not line.startswith("#")]
    return {name: Version(version) for name, version in (line.split("==") for line in lines)}


REQUIREMENTS = [pytest.param(requirement, id=requirement.name) for requirement in direct_requirements()]


def test_everything_that_is_imported_is_a_declared_dependency() -> None:
    distributions = importlib.metadata.packages_distributions()
    declared = {canonicalize_name(requirement.name) for requirement in direct_requirements()}
    missing = {
        name for name in imported_packages() if not declared & {canonicalize_name(found) for found in distributions.get(name, [name])}
    }

    assert missing == set()


def test_every_line_of_the_lock_is_one_exact_public_version() -> None:
    lines = [line for line in document("requirements.lock").splitlines() if not line.startswith("#")]

    assert [line for line in lines if not re.fullmatch(r"[a-z0-9][a-z0-9-]*==[0-9][0-9a-z.]*", line)] == []
    names = [line.split("==")[0] for line in lines]
    assert names == sorted(set(names))


def test_the_lock_holds_nothing_that_depends_on_the_machine() -> None:
    assert [name for name in locked_versions() if re.match(r"nvidia|cuda|triton|pip$|opencv-python", name)] == []
    assert not re.search(r"://|--|@ ", "\n".join(line for line in document("requirements.lock").splitlines() if not line.startswith("#")))


@pytest.mark.parametrize("requirement", [pytest.param(requirement, id=requirement.name) for requirement in locked_requirements()])
def test_the_lock_has_an_allowed_version_of(requirement: Requirement) -> None:
    version = locked_versions()[canonicalize_name(requirement.name)]

    assert requirement.specifier.contains(version), f"{requirement} but the lock has {version}; run `make lock`"


@pytest.mark.parametrize("requirement", REQUIREMENTS)
def test_the_decisions_give_a_reason_for(requirement: Requirement) -> None:
    rows = re.findall(r"^\| (`[^|]*`) \| ([^|]+) \|$", document("docs/decisions.md"), re.MULTILINE)
    reasons = {canonicalize_name(name): reason for names, reason in rows for name in re.findall(r"`([^`]+)`", names)}

    assert len(reasons.get(canonicalize_name(requirement.name), "").split()) >= 5


def test_the_decisions_speak_of_no_dependency_that_is_gone() -> None:
    known = {canonicalize_name(requirement.name) for requirement in direct_requirements()} | set(locked_versions())
    table = document("docs/decisions.md").split("## Dependencies", 1)[1].split("\n## ", 1)[0]
    named = {
        canonicalize_name(name)
        for names in re.findall(r"^\| (`[^|]*`) \|", table, re.MULTILINE)
        for name in re.findall(r"`([^`]+)`", names)
    }

    assert named <= known


def test_numbers_pinned_in_the_project_file_are_those_in_the_lock() -> None:
    exact = {canonicalize_name(r.name): str(r.specifier)[2:] for r in locked_requirements() if re.fullmatch(r"==[\w.]+", str(r.specifier))}

    assert {name: str(locked_versions()[name]) for name in exact} == exact
