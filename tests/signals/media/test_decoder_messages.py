from __future__ import annotations

import os
import subprocess
import sys

import pytest

from sinefit.signals.media.decoder_messages import (
    damage_notice,
    decoder_messages,
    without_addresses,
)


def test_what_is_printed_below_python_is_collected(capfd: pytest.CaptureFixture[str]) -> None:
    with decoder_messages(collect=True) as lines:
        os.write(2, b"[src/a.c:f():3] error: bad\x1b[0m block.\n\n  second\n")
        assert lines == []
    assert lines == ["error: bad[0m block", "second"]
    os.write(2, b"after\n")
    assert capfd.readouterr().err == "after\n"


def test_nothing_is_collected_unasked(capfd: pytest.CaptureFixture[str]) -> None:
    with decoder_messages(collect=False) as lines:
        os.write(2, b"seen\n")
    assert lines == []
    assert capfd.readouterr().err == "seen\n"


def test_the_stream_comes_back_after_an_error(capfd: pytest.CaptureFixture[str]) -> None:
    def fail() -> None:
        with decoder_messages(collect=True):
            os.write(2, b"hidden\n")
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    os.write(2, b"seen\n")
    assert capfd.readouterr().err == "seen\n"


def test_a_closed_stream_does_no_harm() -> None:
    program = (
        "import os; os.close(2)\n"
        "from sinefit.signals.media.decoder_messages import decoder_messages\n"
        "with decoder_messages(collect=True) as lines: print(lines)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert done.stdout == b"[]\n"


def test_the_notice_is_the_first_line() -> None:
    assert damage_notice("it", []) == ()
    assert damage_notice("it", ["bad block", "more"]) == (
        "it: it may be damaged, the decoder reported: bad block",
    )


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        ("bad block @ 0x7f3a9c001b40: end", "bad block: end"),
        ("freed at 0x55d0c0ffee00", "freed"),
        ("Illegal Audio-MPEG-Header 0xf8ffe358 at offset 2160",) * 2,
        ("Element at 0x1f4 ending at 0xffffffff",) * 2,
    ],
)
def test_addresses_are_left_out_but_not_the_figures_of_the_file(
    capfd: pytest.CaptureFixture[str], told: str, kept: str
) -> None:
    assert without_addresses(told) == kept
    with decoder_messages(collect=True) as lines:
        os.write(2, told.encode())
    assert lines == [kept]
