"""Speaks one sentence with espeak-ng and writes JSON to standard output; run as a script, in a process of its own.

espeak-ng keeps state between sentences (phase of the voice's flutter, its noise generator) that even a restart of the library does not
clear, so the same sentence sounds a little different the second time. A fresh process gives the same samples every time, and a crash of the
library stays in it. Standard library only, so that it starts quickly.

Arguments: library, data folder, voice, words per minute, pitch (0..100), pitch range (0..100). Standard input: the text, UTF-8.
Output: {"sample_rate_hz": int, "samples": base64 of little-endian int16, "phonemes": [[sample, IPA], ...],
"words": [[sample, character], ...]}
"""

from __future__ import annotations

import base64
import ctypes
import json
import sys
from typing import Any

_SYNCHRONOUS = 2
_PHONEME_EVENTS_IN_IPA_WITHOUT_EXIT = 0x1 | 0x2 | 0x8000
_UTF8_WITH_END_PAUSE = 0x1 | 0x1000
_RATE, _PITCH, _RANGE = 1, 3, 4
_LIST_END, _WORD, _PHONEME = 0, 1, 7


class _EventName(ctypes.Union):
    _fields_ = (("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8))


class _Event(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_int), ("unique_identifier", ctypes.c_uint), ("text_position", ctypes.c_int), ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int), ("sample", ctypes.c_int), ("user_data", ctypes.c_void_p), ("id", _EventName),
    )  # fmt: skip


class _Voice(ctypes.Structure):
    _fields_ = (
        ("name", ctypes.c_char_p), ("languages", ctypes.POINTER(ctypes.c_char)), ("identifier", ctypes.c_char_p),
        ("gender", ctypes.c_ubyte), ("age", ctypes.c_ubyte), ("variant", ctypes.c_ubyte), ("reserved", ctypes.c_ubyte),
        ("score", ctypes.c_int), ("spare", ctypes.c_void_p),
    )  # fmt: skip


_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event))


def speak(library: str, data: str, voice: str, settings: dict[int, int], text: str) -> dict[str, Any]:
    """Return what the module's docstring describes; raises RuntimeError if espeak-ng refuses."""
    espeak = ctypes.CDLL(library)
    rate_hz = espeak.espeak_Initialize(_SYNCHRONOUS, 0, data.encode(), _PHONEME_EVENTS_IN_IPA_WITHOUT_EXIT)
    if rate_hz <= 0:
        raise RuntimeError(f"espeak-ng did not start with the data in {data}")
    espeak.espeak_ng_SetRandSeed(ctypes.c_long(1))  # it begins with the time; voices with breath, such as en-us+f2, show it
    samples: list[bytes] = []
    phonemes: list[tuple[int, str]] = []
    words: list[tuple[int, int]] = []

    def receive(wave: Any, count: int, events: Any) -> int:  # noqa: ANN401 - ctypes pointers
        if wave and count > 0:
            samples.append(ctypes.string_at(wave, 2 * count))
        index = 0
        while events[index].type != _LIST_END:
            event = events[index]
            if event.type == _PHONEME:
                phonemes.append((event.sample, event.id.string.decode("utf-8", "ignore")))
            elif event.type == _WORD:
                words.append((event.sample, event.text_position))
            index += 1
        return 0

    callback = _Callback(receive)  # kept alive by this name while espeak-ng runs
    espeak.espeak_SetSynthCallback(callback)
    if espeak.espeak_SetVoiceByName(voice.encode()) != 0 and not _choose_by_language(espeak, voice):
        raise RuntimeError(f"espeak-ng has no voice {voice!r}")
    for parameter, value in settings.items():
        espeak.espeak_SetParameter(parameter, value, 0)
    encoded = text.encode("utf-8")
    if espeak.espeak_Synth(encoded, len(encoded) + 1, 0, 1, 0, _UTF8_WITH_END_PAUSE, None, None) != 0:
        raise RuntimeError("espeak-ng could not speak the text")
    return {
        "sample_rate_hz": rate_hz,
        "samples": base64.b64encode(b"".join(samples)).decode("ascii"),
        "phonemes": phonemes,
        "words": words,
    }


def _choose_by_language(espeak: ctypes.CDLL, voice: str) -> bool:
    """Choose the voice that speaks a language best, as the program does: ``en-gb`` is no voice, but what the voice ``en`` speaks."""
    language, sign, variant = voice.partition("+")
    espeak.espeak_ListVoices.restype = ctypes.POINTER(ctypes.POINTER(_Voice))
    listed = espeak.espeak_ListVoices(None)
    found: list[tuple[int, str]] = []
    index = 0
    while listed[index]:
        entry = listed[index].contents
        found += [(priority, entry.identifier.decode()) for priority, name in _languages(entry) if name == language.lower()]
        index += 1
    return bool(found) and espeak.espeak_SetVoiceByName(f"{min(found)[1]}{sign}{variant}".encode()) == 0


def _languages(entry: _Voice) -> list[tuple[int, str]]:
    """Return (priority, language) of a voice; they lie one after the other: a byte, a text that ends with a zero; a zero ends them."""
    found, place = [], 0
    while priority := entry.languages[place][0]:
        end = place + 1
        while entry.languages[end] != b"\0":
            end += 1
        found.append((priority, b"".join(entry.languages[byte] for byte in range(place + 1, end)).decode("utf-8", "ignore").lower()))
        place = end + 1
    return found


def main(arguments: list[str]) -> None:
    """Speak as the arguments say and write the result."""
    library, data, voice, rate, pitch, pitch_range = arguments
    text = sys.stdin.buffer.read().decode("utf-8")
    result = speak(library, data, voice, {_RATE: int(rate), _PITCH: int(pitch), _RANGE: int(pitch_range)}, text)
    sys.stdout.write(json.dumps(result))


if __name__ == "__main__":
    main(sys.argv[1:])
