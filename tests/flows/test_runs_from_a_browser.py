"""A build and a rendering asked for in the forms of the page that `up` prints, in a real browser."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.dataset.versions import read_tag
from tests.factories.build_processes import CommandLine
from tests.factories.render_stores import RenderStore, rows_of
from tests.factories.running_services import RunningServices, running_services

pytest.importorskip("playwright", reason="the package playwright drives the browser")
from tests.factories.prefect_pages import Browser, browser

pytestmark = [pytest.mark.ui, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory, render_runs: RenderStore) -> Iterator[RunningServices]:
    folder = tmp_path_factory.mktemp("page")
    shutil.copytree(render_runs.uri, folder / "store")
    with running_services(CommandLine(folder / "home"), folder / "store") as started:
        yield started


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Browser]:
    """A browser; its pictures go to FLOWVQTALKER_SCREENSHOTS where that is set."""
    screenshots = Path(os.environ.get("FLOWVQTALKER_SCREENSHOTS") or tmp_path / "pictures")
    screenshots.mkdir(parents=True, exist_ok=True)
    with browser(tmp_path / "profile", screenshots) as found:
        yield found


def test_a_folder_becomes_a_version(services: RunningServices, opened: Browser, demo_corpus: Path) -> None:
    opened.open_form(services.page, "build_dataset")
    opened.picture("build-form")
    opened.fill("Source", demo_corpus)
    opened.fill("Name", "from-the-page")
    opened.fill("Tag", "paged")
    opened.fill("Size (px)", 128)
    opened.picture("build-form-filled")
    run = opened.submit()
    assert services.ended_run(run, within_s=300)["state_name"] == "Completed"
    opened.page.reload()
    opened.wait_for("Completed", 30)
    opened.wait_for("build from-the-page", 10)
    opened.picture("build-done")
    opened.page.get_by_text("Artifacts", exact=True).first.click()
    opened.wait_for("dataset-version", 20)
    opened.page.get_by_text("dataset-version").first.click()
    opened.wait_for("First version", 20)
    opened.picture("build-artifact")

    from infra.object_store import open_store  # noqa: PLC0415
    from infra.settings import Settings  # noqa: PLC0415

    with open_store(services.state["store"], Settings()) as store:
        assert read_tag(store, "paged").dataset_version in services.artifacts(run)["dataset-version"]
    assert opened.elsewhere == []


def test_a_list_becomes_clips(services: RunningServices, opened: Browser, render_runs: RenderStore, tmp_path: Path) -> None:
    scripts = render_runs.write_list("page.csv", rows_of(2))
    opened.open_form(services.page, "render_batch")
    opened.fill("Scripts", scripts)
    opened.fill("Out", tmp_path / "clips")
    opened.picture("render-form-filled")
    run = opened.submit()
    assert services.ended_run(run, within_s=300)["state_name"] == "Completed"
    opened.page.reload()
    opened.wait_for("render page.csv", 20)
    opened.page.get_by_text("Artifacts", exact=True).first.click()
    opened.page.get_by_text("rendered-clips").first.click()
    opened.wait_for("2 rows done", 20)
    opened.picture("render-artifact")

    assert len(list((tmp_path / "clips").rglob("*.mp4"))) == 2
    assert opened.elsewhere == []


def test_a_form_that_is_not_filled_in_is_not_submitted(services: RunningServices, opened: Browser) -> None:
    before = len(services.post("flow_runs/filter", {}))
    opened.open_form(services.page, "build_dataset")
    opened.page.get_by_role("button", name="Submit").click()
    opened.page.wait_for_timeout(2000)
    opened.picture("build-form-refused")

    assert "/run" in opened.page.url
    assert len(services.post("flow_runs/filter", {})) == before
