from __future__ import annotations

import subprocess
import sys

_PROGRAM = """
import time
import flows.commands.stage_display as display
display._LINE_EVERY_S = 0.1
with display.StageDisplay({"corpus": "Make it"}) as shown:
    with shown.stage("corpus", 1, 8) as advance:
        time.sleep(0.25)
        advance(3, 24, "clips")
        time.sleep(0.25)
"""


def test_without_a_terminal_lines_always_say_what_happens() -> None:
    done = subprocess.run([sys.executable, "-c", _PROGRAM], capture_output=True, text=True, check=True)

    lines = done.stderr.splitlines()
    assert lines[0] == "1/8 corpus: Make it"
    assert "1/8 corpus: starting (0 s)" in lines
    assert "1/8 corpus: 3/24 clips (0 s)" in lines
    assert lines[-1].startswith("1/8 corpus: done in ")
    assert done.stdout == ""
