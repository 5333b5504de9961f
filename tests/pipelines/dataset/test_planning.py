from __future__ import annotations

import hashlib
import time
import tracemalloc
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.dataset.planning import (
    LONGEST_RUN,
    PlannedPart,
    coefficient_recipe,
    content_keys,
    family_key,
    family_recipes,
    part_key,
    plan_parts,
    split_long_run,
)
from pipelines.dataset.stage_versions import STAGE_VERSIONS, software_versions
from storage_schemas.build_spec import BuildSpec, PartSettings
from storage_schemas.errors import BadInputError
from storage_schemas.part_layout import RECORDING_FAMILIES, Family
from storage_schemas.recordings import RECORDING_SCHEMA, Recording, recordings_table

MODELS = {"face_landmark.tflite": "ab" * 32}


def _listing(ids: Sequence[str], **columns: Any) -> pa.Table:  # noqa: ANN401
    return recordings_table(Recording(recording_id=i, video=f"{i}.mp4", speaker="s", **columns) for i in sorted(ids))


def _ids(count: int, seed: int = 0) -> list[str]:
    numbers = np.random.default_rng(seed).permutation(10**6)[:count]
    return [f"M{number % 40:03d}/front/{number:06d}" for number in numbers.tolist()]


def _members(parts: Iterator[PlannedPart]) -> list[tuple[str, ...]]:
    return [tuple(part.recordings.column("recording_id").to_pylist()) for part in parts]


def test_parts_are_the_listing_in_order() -> None:
    table = _listing(_ids(1000))
    parts = list(plan_parts(table, PartSettings()))
    assert pa.concat_tables([part.recordings for part in parts]).equals(table)
    assert [part.first_row for part in parts] == [sum(len(p.recordings) for p in parts[:n]) for n in range(len(parts))]


def test_parts_have_about_the_target_size() -> None:
    sizes = [len(part) for part in _members(plan_parts(_listing(_ids(4000)), PartSettings(target_recordings=16)))]
    assert 12 < sum(sizes) / len(sizes) < 18
    assert max(sizes) <= LONGEST_RUN * 16


def test_large_recordings_end_parts() -> None:
    sizes = [len(part) for part in _members(plan_parts(_listing(_ids(300), size_bytes=600 * 2**20), PartSettings()))]
    assert sizes == [1] * 300
    sizes = [len(part) for part in _members(plan_parts(_listing(_ids(1000), size_bytes=128 * 2**20), PartSettings()))]
    assert 2 < sum(sizes) / len(sizes) < 5


def test_stills_make_larger_parts() -> None:
    parts = list(plan_parts(_listing(_ids(6000), is_still=True), PartSettings()))
    assert 150 < 6000 / len(parts) < 400
    assert parts[0].families() == (Family.FRAMES, Family.LANDMARKS)
    assert next(plan_parts(_listing(["a"]), PartSettings())).families() == RECORDING_FAMILIES


def test_nothing_gives_no_parts() -> None:
    assert list(plan_parts(_listing([]), PartSettings())) == []


def test_batches_do_not_matter() -> None:
    table = _listing(_ids(500))
    whole = _members(plan_parts(table, PartSettings()))
    for rows in (1, 7, 100):
        assert _members(plan_parts(iter(table.to_batches(max_chunksize=rows)), PartSettings())) == whole


@pytest.mark.parametrize("target", [4, 16])
def test_adding_or_removing_one_recording_changes_two_parts_at_most(target: int) -> None:
    """Over 160 single changes to 600 recordings; a part changes if its list of recordings was not there before."""
    ids = sorted(_ids(600))
    before = set(_members(plan_parts(_listing(ids), PartSettings(target_recordings=target))))
    changed: list[int] = []
    for number, new in enumerate(sorted(set(_ids(80, seed=1)) - set(ids))):
        with_one_more = set(_members(plan_parts(_listing([*ids, new]), PartSettings(target_recordings=target))))
        without_one = set(_members(plan_parts(_listing(ids[:number] + ids[number + 1 :]), PartSettings(target_recordings=target))))
        changed += [len(with_one_more - before), len(without_one - before)]
    assert sum(count <= 2 for count in changed) >= 0.995 * len(changed)
    assert max(changed) <= 3


@pytest.mark.parametrize("ids", [["a", "a"], ["b", "a"]])
def test_unsorted_listings_are_refused(ids: list[str]) -> None:
    table = pa.concat_tables([_listing([i]) for i in ids])
    with pytest.raises(BadInputError, match="sorted by recording_id"):
        list(plan_parts(table, PartSettings()))


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(1, 16)), min_size=1, max_size=60), st.integers(1, 100))
@settings(max_examples=200, deadline=None)
def test_a_split_run_is_the_run(elements: list[tuple[int, int]], longest: int) -> None:
    hashes, weights = [h for h, _ in elements], [w for _, w in elements]
    pieces = list(split_long_run(hashes, weights, longest))
    assert [row for begin, end in pieces for row in range(begin, end)] == list(range(len(elements)))
    assert all(end - begin == 1 or sum(weights[begin:end]) <= longest for begin, end in pieces)


def test_a_new_element_seldom_moves_the_splits_of_a_long_run() -> None:
    generator = np.random.default_rng(0)
    changed: list[int] = []
    for length in range(65, 400):
        hashes = generator.integers(0, 2**62, length).tolist()
        position = int(generator.integers(length))
        longer = [*hashes[:position], int(generator.integers(2**62)), *hashes[position:]]
        before, after = ({tuple(run[b:e]) for b, e in split_long_run(run, [1] * len(run), 64)} for run in (hashes, longer))
        changed.append(len(after - before))
    assert sum(count <= 2 for count in changed) > 0.97 * len(changed)


FULL = {
    "recording_id": "ü/x y", "video": "v", "audio": "a", "is_still": True, "start_s": 1.5, "end_s": 1e-7, "speaker": "s", "window_x_px": -3,
    "window_y_px": 4, "window_width_px": 5, "window_height_px": 6, "window_reference_height_px": 1080, "window_scale": 1.25,
    "size_bytes": 7, "video_sha256": "ab", "audio_sha256": "cd",
}  # fmt: skip


def test_content_keys_equal_those_of_the_records() -> None:
    records = [Recording(**(FULL | {"recording_id": i})) for i in ("a", "b#'\"", "ü/x y")] + [
        Recording(recording_id="z", video="v", speaker="s")
    ]
    assert content_keys(recordings_table(records)) == [record.content_key() for record in records]


def test_planned_parts_give_records_back() -> None:
    records = [Recording(**(FULL | {"recording_id": i, "is_still": False})) for i in ("a", "b", "c")]
    parts = list(plan_parts(recordings_table(records), PartSettings()))
    assert [record for part in parts for record in part.records()] == records
    assert [key for part in parts for key in part.content_keys()] == [record.content_key() for record in records]


def _keys(spec: BuildSpec | None = None, stages: dict[str, int] | None = None, software: dict[str, str] | None = None) -> dict[Family, str]:
    recipes = family_recipes(spec or BuildSpec(), STAGE_VERSIONS | (stages or {}), software_versions() | (software or {}), MODELS)
    return {family: part_key(family, ["c1", "c2"], recipes) for family in RECORDING_FAMILIES}


def _changed(**update: Any) -> str:  # noqa: ANN401
    """Return the initials of the families whose keys change with the specification."""
    spec = BuildSpec.model_validate(BuildSpec().model_dump() | update)
    return "".join(family.value[0] for family in RECORDING_FAMILIES if _keys()[family] != _keys(spec)[family])


@pytest.mark.parametrize(
    ("update", "families"),
    [
        ({"crop": {"size_px": 256}}, "fla"),
        ({"crop": {"min_clip_s": 2}}, "fla"),
        ({"crop": {"frame_reader": "pyav"}}, "fla"),
        ({"landmarks": {"model": "face_landmarker"}}, "fla"),
        ({"limits": {"max_fps": 100}}, "fla"),
        ({"audio": {"required": False}}, "fla"),
        ({"audio": {"hop_samples": 160}}, "a"),
        ({"audio": {"fmax_hz": 8000}}, "a"),
        ({"name": "other"}, ""),
        ({"corpus": {"licence": "CC0"}}, ""),
        ({"split": {"seed": 1}}, ""),
        ({"parts": {"target_recordings": 3}}, ""),
        ({"limits": {"memory_mb": 1000}}, ""),
        ({"limits": {"base_time_s": 5}}, ""),
        ({"limits": {"min_keep_rate": 0.5}}, ""),
        ({"landmarks": {"task_file": "/elsewhere/face_landmarker.task"}}, ""),
    ],
)
def test_which_settings_change_which_keys(update: dict[str, Any], families: str) -> None:
    assert _changed(**update) == families


def test_versions_and_models_change_keys() -> None:
    plain = _keys()
    changes = {
        "mediapipe": "fla", "av": "fla", "decord": "fla", "opencv": "fla", "numpy": "fla", "scipy": "a", "zarr": "la",
    }  # fmt: skip
    for name, families in changes.items():
        other = _keys(software={name: "0"})
        assert "".join(f.value[0] for f in RECORDING_FAMILIES if plain[f] != other[f]) == families, name
    assert all(_keys(stages={"track": 9})[family] != plain[family] for family in RECORDING_FAMILIES)
    assert [f for f in RECORDING_FAMILIES if _keys(stages={"audio": 9})[f] != plain[f]] == [Family.AUDIO]
    other_model = family_recipes(BuildSpec(), STAGE_VERSIONS, software_versions(), {"face_landmark.tflite": "cd" * 32})
    assert all(part_key(family, ["c1", "c2"], other_model) != plain[family] for family in RECORDING_FAMILIES)


def test_what_changes_the_key_of_coefficients() -> None:
    def recipe(model: str = "m", landmarks: str = "l", stage: int = 1, numpy: str = "1", **settings: Any) -> str:  # noqa: ANN401
        spec = BuildSpec.model_validate({"face_model": settings})
        return coefficient_recipe(landmarks, model, spec, {"fit": stage, "track": stage}, {"numpy": numpy, "av": numpy})

    changed = [
        recipe(model="n"), recipe(landmarks="k"), recipe(stage=2), recipe(numpy="2"), recipe(depth_weight=0.2), recipe(landmark_noise=0.1),
        recipe(identity_frames=9), recipe(pose_smoothing=0.0), recipe(expression_smoothing=0.0),
    ]  # fmt: skip
    assert len({recipe(), *changed}) == 1 + len(changed)
    same = [recipe(frames_per_clip=9), recipe(max_error_percent_iod=9.0), recipe(policy="refit"), recipe(policy="named", name="m")]
    assert {recipe(), *same} == {recipe()}


def test_keys_are_names_of_content() -> None:
    arguments = (BuildSpec(), STAGE_VERSIONS, software_versions(), MODELS)
    keys = {family: family_key(family, ["c1", "c2"], *arguments) for family in RECORDING_FAMILIES}
    assert keys == _keys()
    assert len(set(keys.values())) == 3
    assert all(len(key) == 32 and set(key) <= set("0123456789abcdef") for key in keys.values())
    assert family_key(Family.FRAMES, ["c2", "c1"], *arguments) != keys[Family.FRAMES]
    assert family_key(Family.FRAMES, ["c1"], *arguments) != keys[Family.FRAMES]


def _large_listing(rows: int) -> Iterator[pa.RecordBatch]:
    """Yield a synthetic listing in batches, so that only the planning is measured."""
    empty = {name: pa.nulls(16_384, type_) for name, type_ in zip(RECORDING_SCHEMA.names, RECORDING_SCHEMA.types, strict=True)}
    for begin in range(0, rows, 16_384):
        ids = [f"M003/front/{number:09d}" for number in range(begin, min(rows, begin + 16_384))]
        columns = {name: column[: len(ids)] for name, column in empty.items()}
        columns |= {"recording_id": pa.array(ids), "size_bytes": pa.array([3_000_000] * len(ids)), "is_still": pa.array([False] * len(ids))}
        yield pa.RecordBatch.from_pydict(columns, schema=RECORDING_SCHEMA)


def test_planning_is_in_bounded_memory() -> None:
    tracemalloc.start()
    count = sum(1 for _ in plan_parts(_large_listing(30_000), PartSettings()))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count > 1000
    assert peak < 50 * 2**20


@pytest.mark.slow
def test_planning_scales_linearly() -> None:
    """Plan and key 300,000 recordings in under 10 s."""
    recipes = family_recipes(BuildSpec(), STAGE_VERSIONS, software_versions(), MODELS)
    started = time.perf_counter()
    digest = hashlib.sha256()
    for part in plan_parts(_large_listing(300_000), PartSettings()):
        keys = part.content_keys()
        for family in RECORDING_FAMILIES:
            digest.update(part_key(family, keys, recipes).encode())
    assert time.perf_counter() - started < 10
