"""The bytes of weights files: of files, of pipes, and how much of them is read."""

from __future__ import annotations

import io
import os
import subprocess
from pathlib import Path

import pytest

from sinefit.errors import InputError
from sinefit.fields.content import (
    MAX_HEADER,
    FileContent,
    MemoryContent,
    header_text,
    is_weights_file,
    open_content,
    read_content,
    read_stream,
)
from sinefit.fields.weights_file import encode_field

from .making import small_field


def test_telling_weights_files_by_their_first_bytes() -> None:
    assert is_weights_file(encode_field(small_field())[:16])
    assert not is_weights_file(b"")
    assert not is_weights_file(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR")
    assert not is_weights_file((MAX_HEADER + 1).to_bytes(8, "little") + b"{}")


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="no endless device")
def test_an_endless_file_is_refused_by_its_first_bytes() -> None:
    with pytest.raises(InputError, match="/dev/zero: not a weights file"):
        read_content(Path("/dev/zero"))


def test_a_file_too_large_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "large.safetensors"
    path.write_bytes(content := encode_field(small_field()))
    assert read_content(path, len(content)) == content
    with pytest.raises(InputError, match=r"large\.safetensors: .* too many for a weights file"):
        read_content(path, len(content) - 1)
    with open_content(path, len(content)):
        pass
    with pytest.raises(InputError, match="too many"), open_content(path, len(content) - 1):
        pass


def test_a_pipe_is_read_to_its_end_or_to_the_limit(tmp_path: Path) -> None:
    content = encode_field(small_field())
    pipe = tmp_path / "pipe"
    (tmp_path / "content").write_bytes(content)
    os.mkfifo(pipe)
    command = ["sh", "-c", 'cat "$1" > "$2"', "sh", str(tmp_path / "content"), str(pipe)]
    with subprocess.Popen(command):
        assert read_content(pipe) == content
    with subprocess.Popen(command), pytest.raises(InputError, match="too many for a weights file"):
        read_content(pipe, len(content) - 1)


def test_a_stream_is_read_like_a_file() -> None:
    content = encode_field(small_field())
    assert read_stream(io.BytesIO(content), "it") == content
    for other in (b"", b"\x89PNG\r\n\x1a\n" + bytes(99)):
        with pytest.raises(InputError, match="it: not a weights file"):
            read_stream(io.BytesIO(other), "it")


def test_parts_of_a_file_and_of_a_pipe(tmp_path: Path) -> None:
    content = encode_field(small_field())
    path, pipe = tmp_path / "file", tmp_path / "pipe"
    path.write_bytes(content)
    os.mkfifo(pipe)
    with subprocess.Popen(["sh", "-c", 'cat "$1" > "$2"', "sh", str(path), str(pipe)]):
        for source, kind in ((path, FileContent), (pipe, MemoryContent)):
            with open_content(source) as opened:
                assert type(opened) is kind
                assert (opened.name, opened.size) == (str(source), len(content))
                for begin, end in ((0, 8), (100, 100), (50, 300), (len(content) - 5, len(content))):
                    assert opened.read(begin, end) == content[begin:end]
                length = int.from_bytes(content[:8], "little")
                assert header_text(opened) == content[8 : 8 + length]


def test_a_file_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    for path, words in ((tmp_path, "it is a folder"), (tmp_path / "none", "does not exist")):
        with pytest.raises(InputError, match=words), open_content(path):
            pass


def test_a_file_that_shrinks_while_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    path.write_bytes(b"0123456789")
    with open_content(path) as content:
        path.write_bytes(b"01234")
        with pytest.raises(InputError, match=r"a\.safetensors: it became shorter"):
            content.read(2, 8)


def test_what_the_system_says_of_reading_names_the_file() -> None:
    class Broken:
        def fileno(self) -> int:
            return 0

        def seek(self, _: int) -> None:
            raise OSError(5, "Input/output error")

    content = FileContent(Broken(), "it")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="it: cannot be read: Input/output error"):
        content.read(0, 3)
