"""Sound lies on the video's clock to the sample; gaps, lateness, damage and odd values are handled as documented."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import chain
from pathlib import Path

import av
import numpy as np
import pytest

from pipelines.audio.decoding import resample_to_mono
from pipelines.audio.loading import load_audio_file, load_waveform
from pipelines.video.probing import probe_media
from storage_schemas.build_spec import LimitSettings
from storage_schemas.errors import ItemRejectedError
from storage_schemas.rejections import RejectionReason, Stage
from tests.factories.damaged_media import patch_bytes
from tests.factories.synthetic_video import beep_onsets_s, write_flash_and_beep, write_tone

LIMITS = LimitSettings()


def _write_pieces(path: Path, pieces: Sequence[tuple[float, np.ndarray]], rate_hz: int = 48000, codec: str = "pcm_s16le") -> None:
    """Write mono pieces, each at its own time in seconds, into a container that keeps the gaps."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate_hz, layout="mono")
        for start_s, samples in pieces:
            for offset in range(0, len(samples), 1024):
                chunk = np.ascontiguousarray(samples[None, offset : offset + 1024])
                chunk = chunk.astype(np.float32) if codec == "pcm_f32le" else (chunk * 32767).astype(np.int16)
                frame = av.AudioFrame.from_ndarray(chunk, format="flt" if codec == "pcm_f32le" else "s16", layout="mono")
                frame.sample_rate, frame.time_base = rate_hz, Fraction(1, rate_hz)
                frame.pts = round(start_s * rate_hz) + offset
                container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def test_late_track_has_silence_before_it(tmp_path: Path) -> None:
    clip = write_flash_and_beep(tmp_path / "late.mov", 25, 4.0, audio_delay_s=1.2)
    waveform = load_waveform(probe_media(clip.path, LIMITS))
    assert waveform.shape == (100 * 640,)
    assert waveform.dtype == np.float32
    assert not waveform[: int(1.19 * 16000)].any()
    assert beep_onsets_s(waveform) == pytest.approx(clip.onsets_s, abs=2e-4)


def test_sound_that_ends_early_is_followed_by_silence(tmp_path: Path) -> None:
    clip = write_flash_and_beep(tmp_path / "mute.mp4", 25, 4.0, audio=False)
    write_tone(tmp_path / "short.wav", 1.0)
    waveform = load_waveform(probe_media(clip.path, LIMITS, audio_path=tmp_path / "short.wav"))
    assert len(waveform) == 64000
    assert np.abs(waveform[:15800]).max() == pytest.approx(0.5, abs=0.02)
    assert not waveform[16100:].any()


def test_without_sound_there_is_silence(tmp_path: Path) -> None:
    clip = write_flash_and_beep(tmp_path / "mute.mp4", 25, 1.0, audio=False)
    waveform = load_waveform(probe_media(clip.path, LIMITS, audio_required=False))
    assert waveform.shape == (16000,)
    assert not waveform.any()


@pytest.mark.parametrize("suffix", [".wav", ".m4a", ".mp3", ".flac"])
@pytest.mark.parametrize("channels", [1, 2])
def test_formats_and_channels_have_one_level(tmp_path: Path, suffix: str, channels: int) -> None:
    write_tone(tmp_path / f"tone{suffix}", 1.0, channels=channels)
    waveform = load_audio_file(tmp_path / f"tone{suffix}")
    assert len(waveform) == pytest.approx(16000, abs=1200)
    middle = waveform[4000:12000]
    assert np.sqrt((middle**2).mean()) == pytest.approx(0.5 / np.sqrt(2), rel=0.06)  # LAME takes 5 % off
    assert np.argmax(np.abs(np.fft.rfft(middle))) * 2 == pytest.approx(440, abs=3)


def test_the_tail_is_not_lost_in_the_resampler(tmp_path: Path) -> None:
    write_tone(tmp_path / "tone.wav", 0.5, rate_hz=44100)
    assert len(load_audio_file(tmp_path / "tone.wav")) == 8000


def test_gaps_in_the_timestamps_are_silence(tmp_path: Path) -> None:
    tone = 0.5 * np.ones(48000)
    _write_pieces(tmp_path / "gaps.mkv", [(0.0, tone[:24000]), (1.0, tone[:24000])])
    waveform = load_audio_file(tmp_path / "gaps.mkv")
    assert len(waveform) == pytest.approx(24000, abs=20)
    assert np.all(waveform[500:7500] > 0.4)
    assert not waveform[8100:15900].any()
    assert np.all(waveform[16500:23500] > 0.4)


def _frames(start_s: float, value: float, count: int = 20) -> Iterator[av.AudioFrame]:
    for index in range(count):
        frame = av.AudioFrame.from_ndarray(np.full((1, 1200), value, np.float32), format="fltp", layout="mono")
        frame.sample_rate, frame.time_base, frame.pts = 48000, Fraction(1, 48000), round(start_s * 48000) + 1200 * index
        yield frame


def test_overlapping_timestamps_begin_a_run_of_their_own() -> None:
    chunks = list(resample_to_mono(chain(_frames(0.0, 0.5), _frames(0.25, -0.5)), Stage.AUDIO))
    second = [chunk for chunk in chunks if len(chunk.samples) > 100 and chunk.samples.mean() < 0]
    assert second[0].start_sample == 4000
    assert second[-1].start_sample + len(second[-1].samples) == pytest.approx(12000, abs=20)


def test_timestamps_that_are_a_little_off_do_not_cut_the_sound() -> None:
    frames = list(_frames(0.0, 0.5))
    for index, frame in enumerate(frames):
        frame.pts += (index % 3) * 48
    samples = np.concatenate([chunk.samples for chunk in resample_to_mono(frames, Stage.AUDIO)])
    assert len(samples) == 8000
    assert np.all(samples[100:7900] > 0.4)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_samples_that_are_not_finite_are_rejected(tmp_path: Path, value: float) -> None:
    samples = np.zeros(16000)
    samples[8000] = value
    _write_pieces(tmp_path / "odd.wav", [(0.0, samples)], rate_hz=16000, codec="pcm_f32le")
    with pytest.raises(ItemRejectedError, match="finite") as caught:
        load_audio_file(tmp_path / "odd.wav")
    assert caught.value.reason is RejectionReason.AUDIO_UNDECODABLE


def _damage_packets(source: Path, target: Path, share: float) -> None:
    """Overwrite the bytes of a share of the audio packets, spread over the file."""
    data = bytearray(source.read_bytes())
    with av.open(str(source)) as container:
        packets = [packet for packet in container.demux(audio=0) if packet.size > 8]
    chosen = packets[5 :: max(1, round(1 / share))]
    for packet in chosen:
        data[packet.pos : packet.pos + packet.size] = b"\xff" * packet.size
    target.write_bytes(bytes(data))


def test_few_damaged_packets_are_silence_and_many_reject(tmp_path: Path) -> None:
    write_tone(tmp_path / "tone.m4a", 6.0)
    _damage_packets(tmp_path / "tone.m4a", tmp_path / "little.m4a", 0.01)
    waveform = load_audio_file(tmp_path / "little.m4a")
    assert len(waveform) == pytest.approx(96000, abs=1100)
    _damage_packets(tmp_path / "tone.m4a", tmp_path / "much.m4a", 0.2)
    with pytest.raises(ItemRejectedError) as caught:
        load_audio_file(tmp_path / "much.m4a")
    assert caught.value.reason is RejectionReason.AUDIO_UNDECODABLE


def test_absurd_sample_rate_is_rejected(tmp_path: Path) -> None:
    write_tone(tmp_path / "tone.wav", 0.2)
    for rate_hz in (900_000, 3_000_000_000, 7):
        patch_bytes(tmp_path / "tone.wav", tmp_path / "fast.wav", b"fmt ", 8, rate_hz.to_bytes(4, "little"))
        with pytest.raises(ItemRejectedError) as caught:
            load_audio_file(tmp_path / "fast.wav")
        assert caught.value.reason is RejectionReason.AUDIO_UNDECODABLE


def test_a_file_without_sound_is_rejected(tmp_path: Path) -> None:
    clip = write_flash_and_beep(tmp_path / "mute.mp4", 25, 1.0, audio=False)
    with pytest.raises(ItemRejectedError) as caught:
        load_audio_file(clip.path)
    assert caught.value.reason is RejectionReason.NO_AUDIO_STREAM


def test_longest_duration_is_kept(tmp_path: Path) -> None:
    write_tone(tmp_path / "tone.wav", 2.0)
    assert len(load_audio_file(tmp_path / "tone.wav", max_duration_s=0.5)) == 8000


def test_real_speech(shared_data: Path) -> None:
    lengths = {path.name: len(load_audio_file(path)) / 16000 for path in sorted((shared_data / "speech").iterdir())}
    assert lengths["RD_Radio31_000_16k_stereo.wav"] == pytest.approx(8.0)
    assert lengths["mead_M030_angry_48k.m4a"] == pytest.approx(5.867, abs=0.005)
    assert lengths["retalking_1_44k_stereo.wav"] == pytest.approx(5.0155, abs=0.001)


@pytest.mark.parametrize("channels", [6, 8])
def test_many_channels_are_averaged(tmp_path: Path, channels: int) -> None:
    layout = {6: "5.1", 8: "7.1"}[channels]
    tones = 0.5 * np.sin(2 * np.pi * 440 * np.arange(16000) / 16000)
    with av.open(str(tmp_path / "many.wav"), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=16000, layout=layout)
        interleaved = np.ascontiguousarray(np.repeat((tones * 32767).astype(np.int16), channels)[None])
        frame = av.AudioFrame.from_ndarray(interleaved, format="s16", layout=layout)
        frame.sample_rate, frame.pts, frame.time_base = 16000, 0, Fraction(1, 16000)
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    np.testing.assert_allclose(load_audio_file(tmp_path / "many.wav"), tones, atol=1e-3)
