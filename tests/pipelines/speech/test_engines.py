from __future__ import annotations

import hashlib
import sys
import time
import wave
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.speech.engines import open_speech_engine, speak_to_file
from storage_schemas.errors import BadInputError

WRITES_A_TONE = """
import math, struct, sys, wave
text = open(sys.argv[2], encoding="utf-8").read() if len(sys.argv) > 2 and sys.argv[2] else sys.stdin.read()
target = open(sys.argv[1], "wb") if len(sys.argv) > 1 and sys.argv[1] else sys.stdout.buffer
with wave.open(target, "wb") as file:
    file.setnchannels(1); file.setsampwidth(2); file.setframerate(16000)
    file.writeframes(b"".join(struct.pack("<h", int(9000 * math.sin(n / 8))) for n in range(1600 * len(text))))
"""


@pytest.fixture
def tone_program(tmp_path: Path) -> Path:
    program = tmp_path / "a tone's program.py"
    program.write_text(WRITES_A_TONE)
    return program


@pytest.fixture
def own_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    (tmp_path / "own_speech.py").write_text(
        "import os\nimport numpy as np\n"
        "def speak(text, voice):\n    return np.sin(np.arange(800 * len(text)) / 8).astype('float32') / 2, 8000\n"
        "def crash(text, voice):\n    os._exit(3)\n"
        "def wrong(text, voice):\n    return np.zeros((2, 9)), 8000\n"
        "def refuses(text, voice):\n    raise ValueError('no such voice: ' + voice)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    yield "own_speech"
    sys.modules.pop("own_speech", None)


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_language_stands_for_the_voice_that_speaks_it(tmp_path: Path) -> None:
    pytest.importorskip("espeakng_loader")
    with open_speech_engine("espeak-ng") as engine:
        for number, voice in enumerate(("en", "en-gb", "en-GB+f3", "en-us")):
            speak_to_file(engine, "Good morning.", voice, tmp_path / f"{number}.wav")
        assert "no voice 'xx'" in engine.voice_problem("xx")
    voices = [sha256(tmp_path / f"{number}.wav") for number in range(4)]

    assert voices[0] == voices[1]
    assert len(set(voices)) == 3


def test_espeak_says_the_same_text_the_same_way_every_time(tmp_path: Path) -> None:
    pytest.importorskip("espeakng_loader")
    with open_speech_engine("espeak-ng") as engine:
        first = speak_to_file(engine, "Wir sehen uns morgen; `touch x` $(reboot)", "de+f2", tmp_path / "a.wav")
        speak_to_file(engine, "Something else.", "", tmp_path / "b.wav")
        time.sleep(1.1)  # its generator of noise begins with the time in seconds unless it is told not to
        speak_to_file(engine, "Wir sehen uns morgen; `touch x` $(reboot)", "de+f2", tmp_path / "c.wav")

    assert 1.0 < first < 10.0
    assert sha256(tmp_path / "a.wav") == sha256(tmp_path / "c.wav") != sha256(tmp_path / "b.wav")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.wav", "b.wav", "c.wav"]


@pytest.mark.parametrize("voice", ["xx-nowhere", "en-us+nobody", "../../x", "--help", "en us", "e" * 5000])
def test_espeak_refuses_voices_that_it_has_not(tmp_path: Path, voice: str) -> None:
    pytest.importorskip("espeakng_loader")
    with open_speech_engine("espeak-ng") as engine:
        assert engine.voice_problem(voice)
        with pytest.raises(BadInputError):
            speak_to_file(engine, "Hello.", voice, tmp_path / "a.wav")


def test_a_missing_espeak_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "espeakng_loader", None)
    with pytest.raises(BadInputError, match=r"pip install 'flowvqtalker\[speech\]'"), open_speech_engine("espeak-ng"):
        pass


@pytest.mark.parametrize("arguments", ["", "{out}", "'' {text_file}", "{out} {text_file}"])
def test_a_command_takes_text_and_gives_sound_by_file_or_pipe(tmp_path: Path, tone_program: Path, arguments: str) -> None:
    with open_speech_engine(f'command:{sys.executable} "{tone_program}" {arguments}') as engine:
        seconds = speak_to_file(engine, "Größer; rm -rf", "", tmp_path / "a.wav")

    assert seconds == pytest.approx(1.4, abs=0.01)
    assert sorted(path.name for path in tmp_path.iterdir()) == [tone_program.name, "a.wav"]


@pytest.mark.parametrize(
    ("program", "message"),
    [
        ("import sys; sys.exit('the model is gone')", "status 1: the model is gone"),
        ("pass", "wrote no sound"),
        ("import sys; sys.stdout.write('this is not a sound file')", "is no sound"),
    ],
)
def test_a_command_that_fails_is_named_with_its_reason(tmp_path: Path, program: str, message: str) -> None:
    (tmp_path / "p.py").write_text(program)
    with open_speech_engine(f"command:{sys.executable} {tmp_path / 'p.py'}") as engine, pytest.raises(BadInputError, match=message):
        speak_to_file(engine, "Hello.", "", tmp_path / "a.wav")

    assert [path.name for path in tmp_path.iterdir()] == ["p.py"]


def test_a_voice_goes_only_to_a_command_that_takes_one() -> None:
    with open_speech_engine(f"command:{sys.executable} x.py") as engine:
        assert "clear the column" in engine.voice_problem("anna")
        assert engine.voice_problem("") == ""
    with open_speech_engine(f"command:{sys.executable} x.py --voice {{voice}}") as engine:
        assert "needs a voice" in engine.voice_problem("")
        assert "dash" in engine.voice_problem("--output=/etc/passwd")
        assert engine.voice_problem("anna") == ""


def test_a_python_function_speaks_in_a_process_of_its_own(tmp_path: Path, own_module: str) -> None:
    with open_speech_engine(f"python:{own_module}:speak") as engine:
        lengths = [speak_to_file(engine, text, "", tmp_path / "a.wav") for text in ("ten chars.", "x" * 20)]

    assert lengths == pytest.approx([1.0, 2.0], abs=0.01)
    with wave.open(str(tmp_path / "a.wav")) as file:
        assert (file.getframerate(), file.getnchannels()) == (8000, 1)


@pytest.mark.parametrize(
    ("function", "message"), [("crash", "died"), ("wrong", "expected"), ("refuses", "no such voice: x"), ("none", "cannot be imported")]
)
def test_a_python_function_that_fails_costs_one_text(tmp_path: Path, own_module: str, function: str, message: str) -> None:
    with open_speech_engine(f"python:{own_module}:{function}") as engine, pytest.raises(BadInputError, match=message):
        speak_to_file(engine, "Hello.", "x", tmp_path / "a.wav")

    assert not (tmp_path / "a.wav").exists()


@pytest.mark.parametrize(
    "setting",
    ["", "festival", "command:", "command:no-such-program-anywhere", "command:'", "python:x", "python:no_such_module:f", "python:os;x:y"],
)
def test_a_setting_that_means_no_engine_is_bad_input(setting: str) -> None:
    with pytest.raises(BadInputError), open_speech_engine(setting):
        pass
