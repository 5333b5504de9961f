"""Hostile files that are what they are: no media, whole media of the wrong content, links and devices."""

from __future__ import annotations

import os
import pickle
import socket
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from tests.factories.damaged_media import write_cover_art_mp3
from tests.factories.hostile_kind import Kind, Make, Reason, reasons, seed_from
from tests.factories.hostile_media import face_frames, landscape_frames, noise_frames, portrait, write_media, write_sound
from tests.factories.hostile_workshop import Workshop

# --- No media at all ---


class _Trap:
    """What a careless reader of pickles would run."""

    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        return os.system, ("touch pwned",)


_TEXTS = {
    "plain text": b"This is not a video.\n" * 50,
    "web page": b"<!DOCTYPE html><html><script>fetch('http://127.0.0.1/pwned')</script></html>\n",
    "json": b'{"video": "/etc/passwd", "cmd": "$(touch pwned)"}\n',
    "shell script": b"#!/bin/sh\ntouch pwned\n",
    "yaml": b"!!python/object/apply:os.system ['touch pwned']\n",
    "svg": b"<svg xmlns='http://www.w3.org/2000/svg'><image href='file:///etc/passwd'/></svg>\n",
    "pickle": pickle.dumps(_Trap()),
    "zip": b"PK\x03\x04" + bytes(200),
    "program": b"\x7fELF\x02\x01\x01" + bytes(500),
    "one byte": b"\x00",
    "zeros": bytes(100_000),
    "line feeds": b"\n" * 5000,
}

_PLAYLISTS = {
    "playlist of a system file": "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n",
    "playlist of a clip": "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n{clip}\n#EXT-X-ENDLIST\n",
    "playlist of an address": "#EXTM3U\n#EXTINF:2,\nhttp://127.0.0.1:9/pwned.ts\n#EXT-X-ENDLIST\n",
    "list to concatenate": "ffconcat version 1.0\nfile '{clip}'\nfile '/etc/passwd'\n",
    "dash manifest": "<?xml version='1.0'?><MPD xmlns='urn:mpeg:dash:schema:mpd:2011'><Period><BaseURL>{clip}</BaseURL></Period></MPD>\n",
    "session description": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 9 RTP/AVP 96\n",
    "concat address": "concat:{clip}|/etc/passwd\n",
    "pipe address": "pipe:cat /etc/passwd\n",
}


def _playlist(text: str) -> Make:
    def make(shop: Workshop, path: Path, _: np.random.Generator) -> None:
        path.write_text(text.replace("{clip}", shop.reference(path.parent)))

    return make


def _image(suffix: str) -> Make:
    def make(_: Workshop, path: Path, __: np.random.Generator) -> None:
        done, coded = cv2.imencode(suffix, cv2.cvtColor(portrait(), cv2.COLOR_RGB2BGR))
        assert done
        path.write_bytes(coded.tobytes())

    return make


def _gif(shop: Workshop, path: Path, _: np.random.Generator) -> None:
    made = write_media(
        shop.scratch / "moving.gif", face_frames(5), sound_s=0, video_codec="gif", pixel_format="rgb8", container="gif"
    )  # fmt: skip
    path.write_bytes(made.read_bytes())


NO_MEDIA = (
    Kind("empty", lambda _, path, __: path.write_bytes(b""), reasons(Reason.EMPTY_FILE), most=2),
    *(
        Kind(f"{name} named mp4", lambda _, path, __, text=text: path.write_bytes(text), reasons(Reason.NOT_MEDIA), most=2)  # type: ignore[misc]
        for name, text in _TEXTS.items()
    ),
    Kind(
        "random bytes",
        lambda _, path, generator: path.write_bytes(generator.bytes(int(generator.integers(2, 200_000)))),
        reasons(Reason.NOT_MEDIA),
    ),
    *(Kind(f"{name} named mp4", _playlist(text), reasons(Reason.NOT_MEDIA), most=2) for name, text in _PLAYLISTS.items()),
    *(
        Kind(f"{suffix} image named mp4", _image(suffix), reasons(Reason.NOT_MEDIA), most=1)
        for suffix in (".png", ".jpg", ".webp", ".bmp", ".tiff")
    ),
    Kind("moving gif named mp4", _gif, reasons(Reason.NOT_MEDIA), most=1),
    Kind("raw h264 named mp4", lambda shop, path, _: path.write_bytes(shop.bytes_of(".h264")), reasons(Reason.NOT_MEDIA), most=1),
)

# --- Whole media of the wrong content ---


def _sound(container: str, codec: str) -> Make:
    def make(shop: Workshop, path: Path, _: np.random.Generator) -> None:
        made = write_sound(shop.scratch / "sound", container=container, codec=codec)
        path.write_bytes(made.read_bytes())

    return make


def _cover_art(shop: Workshop, path: Path, _: np.random.Generator) -> None:
    write_cover_art_mp3(shop.scratch / "cover.mp3")
    path.write_bytes((shop.scratch / "cover.mp3").read_bytes())


def _shown(pictures: Callable[[np.random.Generator], object], **options: object) -> Make:
    def make(shop: Workshop, path: Path, generator: np.random.Generator) -> None:
        shop.write(path, pictures(generator), **options)

    return make


def _ticked(ticks: Callable[[int], list[int]], frames: int = 36) -> Make:
    def make(shop: Workshop, path: Path, _: np.random.Generator) -> None:
        shop.write(path, face_frames(frames), ticks=ticks(frames), sound_s=1.4)

    return make


def _bad_samples(shop: Workshop, path: Path, _: np.random.Generator) -> None:
    samples = np.zeros(72_000, np.float32)
    samples[30_000:31_000] = np.nan
    shop.write(path, face_frames(), samples=samples, audio_codec="pcm_f32le")


CONTENT = (
    Kind("mp3 named mp4", _sound("mp3", "libmp3lame"), reasons(Reason.NO_VIDEO_STREAM), most=1),
    Kind("wav named mp4", _sound("wav", "pcm_s16le"), reasons(Reason.NO_VIDEO_STREAM), most=1),
    Kind("flac named mp4", _sound("flac", "flac"), reasons(Reason.NO_VIDEO_STREAM), most=1),
    Kind("ogg named mp4", _sound("ogg", "libopus"), reasons(Reason.NO_VIDEO_STREAM), most=1),
    Kind("mp4 with sound only", _sound("mp4", "aac"), reasons(Reason.NO_VIDEO_STREAM), most=2),
    Kind("mp3 with cover art", _cover_art, reasons(Reason.NO_VIDEO_STREAM), most=1),
    Kind("no sound", _shown(lambda _: face_frames(), sound_s=0), reasons(Reason.NO_AUDIO_STREAM), most=3),
    Kind("sound of a tenth of a second", _shown(lambda _: face_frames(), sound_s=0.1), reasons(Reason.AUDIO_TOO_SHORT), most=2),
    Kind("sound that is no number", _bad_samples, reasons(Reason.AUDIO_UNDECODABLE), most=1, suffix=".mov"),
    Kind("noise", _shown(lambda generator: noise_frames(30, (256, 192), seed_from(generator))), reasons(Reason.NO_FACE), most=4),
    Kind("landscape", _shown(lambda _: landscape_frames(30, (256, 192))), reasons(Reason.NO_FACE), most=2),
    Kind("small face", _shown(lambda _: face_frames(30, (640, 480), head_px=90)), reasons(Reason.FACE_TOO_SMALL), most=2),
    Kind("two faces", _shown(lambda _: face_frames(36, (512, 256), heads=2)), reasons(Reason.SEVERAL_FACES), most=2),
    Kind("one frame", _shown(lambda _: face_frames(1), sound_s=1.0), reasons(Reason.TOO_SHORT), most=3),
    Kind("two frames", _shown(lambda _: face_frames(2), sound_s=1.0), reasons(Reason.TOO_SHORT), most=3),
    Kind("half a second", _shown(lambda _: face_frames(12)), reasons(Reason.TOO_SHORT), most=3),
    Kind("1 frame a second", _shown(lambda _: face_frames(6), fps=1), reasons(Reason.FRAME_RATE_OUT_OF_RANGE), most=2),
    Kind("1000 frames a second", _shown(lambda _: face_frames(300, (64, 64)), fps=1000), reasons(Reason.FRAME_RATE_OUT_OF_RANGE), most=2),
    Kind("9000 x 16 px", _shown(lambda _: landscape_frames(30, (9000, 16))), reasons(Reason.DIMENSIONS_OUT_OF_RANGE), most=2),
    Kind("16 x 9000 px", _shown(lambda _: landscape_frames(30, (16, 9000))), reasons(Reason.DIMENSIONS_OUT_OF_RANGE), most=2),
    Kind("32 x 32 px", _shown(lambda _: face_frames(30, (32, 32))), reasons(Reason.DIMENSIONS_OUT_OF_RANGE), most=2),
    Kind(
        "8192 x 8192 px of nothing",
        _shown(lambda _: landscape_frames(26, (8192, 8192))),
        reasons(Reason.NO_FACE, Reason.TIME_LIMIT),
        most=1,
    ),
    Kind("five hours between two frames", _ticked(lambda n: [*range(n - 1), 25 * 18_000]), reasons(Reason.DURATION_OUT_OF_RANGE), most=2),
    Kind(
        "an hour between two frames",
        _ticked(lambda n: [*range(n - 1), 25 * 3600], frames=60),
        reasons(Reason.FRAME_RATE_OUT_OF_RANGE),
        most=1,
    ),
    Kind(
        "frames in fits and starts", _ticked(lambda n: [tick + 10 * (tick // 12) for tick in range(n)]), reasons(Reason.TOO_SHORT), most=1
    ),
)

# --- Unusual and good ---


def _linked_good(shop: Workshop, path: Path, _: np.random.Generator) -> None:
    data = path.with_name(f"{path.name}.data")
    data.write_bytes(shop.bytes_of())
    path.symlink_to(data.name)


UNUSUAL = (
    Kind("good mp4 named avi", lambda shop, path, _: path.write_bytes(shop.bytes_of()), reasons(), True, suffix=".avi", most=1),
    Kind("good mkv named MP4", lambda shop, path, _: path.write_bytes(shop.bytes_of(".mkv")), reasons(), True, suffix=".MP4", most=1),
    Kind("good clip behind a link", _linked_good, reasons(), True, most=1),
    Kind("odd sides", _shown(lambda _: face_frames(30, (257, 193)), pixel_format="yuv444p"), reasons(), True, most=1),
    Kind("fragments of mp4", lambda shop, path, _: path.write_bytes(shop.base(fragmented=True).read_bytes()), reasons(), True, most=1),
)

# --- No regular file ---


def _linked(target: str) -> Make:
    return lambda _, path, __: path.symlink_to(target)


def _two_links(_: Workshop, path: Path, __: np.random.Generator) -> None:
    other = path.with_name(f"{path.name}.other")
    path.symlink_to(other)
    other.symlink_to(path)


def _socket(_: Workshop, path: Path, __: np.random.Generator) -> None:
    place = os.open(path.parent, os.O_RDONLY)
    try:  # the path of a socket may not be long
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(f"/proc/self/fd/{place}/{path.name}")
    finally:
        os.close(place)


def _looping_folder(_: Workshop, path: Path, __: np.random.Generator) -> None:
    inner = path.parent / f"{path.name}.folder" / "inner"
    inner.mkdir(parents=True)
    (inner / "back").symlink_to(path.parent / f"{path.name}.folder")
    path.symlink_to(path.parent)


def _sparse(_: Workshop, path: Path, __: np.random.Generator) -> None:
    with path.open("wb") as file:
        file.truncate(400 * 2**20)


def _forbidden(shop: Workshop, path: Path, _: np.random.Generator) -> None:
    path.write_bytes(shop.bytes_of())
    path.chmod(0)


_NOT_REGULAR = reasons(Reason.NOT_A_REGULAR_FILE)
SPECIAL = (
    Kind("folder named mp4", lambda _, path, __: path.mkdir(), _NOT_REGULAR, most=2),
    Kind("named pipe", lambda _, path, __: os.mkfifo(path), _NOT_REGULAR, most=2),
    Kind("socket", _socket, _NOT_REGULAR, most=1),
    Kind("dangling link", _linked("nowhere/at all.mp4"), _NOT_REGULAR, most=3),
    Kind("link to nothing with a shell in it", _linked("$(touch pwned);`touch pwned`"), _NOT_REGULAR, most=1),
    Kind("link to itself", lambda _, path, __: path.symlink_to(path.name), _NOT_REGULAR, most=2),
    Kind("two links in a circle", _two_links, _NOT_REGULAR, most=2),
    Kind("link to the folder it is in", _looping_folder, _NOT_REGULAR, most=2),
    Kind("link to an endless device", _linked("/dev/zero"), _NOT_REGULAR, most=1),
    Kind("link to a system file", _linked("/etc/passwd"), reasons(Reason.NOT_MEDIA), most=1),
    Kind("link to an empty system file", _linked("/proc/self/environ"), reasons(Reason.EMPTY_FILE), most=1),
    Kind("sparse file of 400 MB", _sparse, reasons(Reason.NOT_MEDIA), most=1),
    Kind("unreadable file", _forbidden, reasons(Reason.UNREADABLE_FILE), most=2, possible=lambda: os.geteuid() != 0),
)
