"""What one recording may cost follows from the settings and from its size."""

from __future__ import annotations

from storage_schemas.build_spec import LimitSettings
from storage_schemas.recordings import Recording
from tasks.recording_jobs import limits_of


def _recording(size_bytes: int) -> Recording:
    return Recording(recording_id="x", video="x.mp4", speaker="s", size_bytes=size_bytes)


def test_large_files_have_longer_to_be_read_through() -> None:
    settings = LimitSettings(base_time_s=60, time_per_media_s=20, memory_mb=3000)
    assert limits_of(settings, _recording(5_000)).time_s < 61
    assert limits_of(settings, _recording(600_000_000)).time_s == 660
    assert limits_of(settings, _recording(10**15)).time_s == 60 + settings.max_duration_s


def test_a_halt_costs_no_more_than_the_base_time() -> None:
    limits = limits_of(LimitSettings(base_time_s=60, time_per_media_s=20), _recording(600_000_000))
    assert limits.silence_s == 60
