from __future__ import annotations

import numpy as np

from pipelines.judging.planted_offsets import PlantedResult, delayed, right_share


def test_late_sound_begins_with_silence_and_early_sound_ends_with_it() -> None:
    wave = np.arange(1, 4 * 640 + 1, dtype=np.int16)
    late, early = delayed(wave, 1), delayed(wave, -2)
    assert len(late) == len(early) == len(wave)
    assert not late[:640].any()
    assert (late[640:] == wave[:-640]).all()
    assert not early[-1280:].any()
    assert (early[:-1280] == wave[1280:]).all()
    assert (delayed(wave, 0) == wave).all()
    assert not delayed(wave, 9).any()


def test_one_frame_more_or_less_is_right() -> None:
    results = [PlantedResult("a", 3, found, 0.1) for found in (1, 2, 3, 4, 5)]
    assert right_share(results) == 0.6
