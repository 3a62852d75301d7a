"""Files that are none, or are not TOML."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pytest_deploycheck.errors import ConfigError
from pytest_deploycheck.settings.source import dotted, read


def _message(path: Path, cwd: Path) -> str:
    with pytest.raises(ConfigError) as caught:
        read(path, cwd=cwd)
    (mistake,) = caught.value.mistakes
    return str(mistake)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a = 1\nb = \n", "f.toml:2:5: not valid TOML: invalid value"),
        (b"a = hunter2\n", "f.toml:1:5: not valid TOML: invalid value"),
        (b"a = 1\na = 2\n", "f.toml:2:6: not valid TOML: cannot overwrite a value"),
        (b"a = 'x\n\n", 'f.toml:1: not valid TOML: expected "\'"'),
        (b"x = 1\n[a", "f.toml:2: not valid TOML: expected ']' at the end of a table declaration"),
        (b"[a]\nb = 1\n[a]\n", "f.toml:3:3: not valid TOML: cannot declare a twice"),
        (b"d = 2026-02-30\n", "f.toml:1:5: not valid TOML: invalid date or datetime"),
        (b"a = 1\n\xff\n", "f.toml:2: configuration file: is not UTF-8 (expected TOML in UTF-8)"),
        (b"\xff\xfea\x00", "f.toml:1: configuration file: is not UTF-8 (expected TOML in UTF-8)"),
        (b"a = " + b"[" * 20_000, "f.toml: not valid TOML: nested too deeply"),
        (b"a = " + b"1" * 5_000, "f.toml: not valid TOML: a number or time that does not exist"),
        (
            b"#" * ((1 << 20) + 1),
            "f.toml: configuration file: is larger than 1 MiB (expected a deploycheck.toml; is this the right file?)",
        ),
    ],
)
def test_content(content: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / "f.toml").write_bytes(content)
    assert _message(Path("f.toml"), tmp_path) == message


def test_no_file_at_all(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    os.mkfifo(tmp_path / "fifo")
    expected = {
        "gone.toml": "does not exist (expected the path of a deploycheck.toml)",
        "d": "is a directory (expected a file, such as d/deploycheck.toml)",
        "fifo": "is not a regular file (expected a TOML file)",
        "a\0b": "cannot be read: not a usable path (expected a TOML file that may be read)",
        "x" * 300: "cannot be read: File name too long (expected a TOML file that may be read)",
    }
    found = {name: _message(Path(name), tmp_path) for name in expected}
    assert found == {name: f"{name}: configuration file: {text}" for name, text in expected.items()}


def test_unreadable_file(tmp_path: Path) -> None:
    # A file whose reading fails for everybody, root included.
    assert _message(Path("/proc/self/mem"), tmp_path) == (
        "/proc/self/mem: configuration file: cannot be read: Input/output error (expected a TOML file that may be read)"
    )


def test_a_byte_order_mark_and_windows_line_ends_are_read(tmp_path: Path) -> None:
    (tmp_path / "f.toml").write_bytes(b"\xef\xbb\xbfa = 1\r\n\r\nb = '''\r\nx'''\r\nc = 2\r\n")
    source = read(Path("f.toml"), cwd=tmp_path)
    assert source.data == {"a": 1, "b": "x", "c": 2}
    assert [source.where((key,)) for key in "abc"] == ["f.toml:1", "f.toml:3", "f.toml:5"]
    assert source.where(("d", "e")) == "f.toml:1"


def test_dotted_keys() -> None:
    assert dotted(("a", "b", 2, "c d", 'e"f', "g")) == 'a.b[2]."c d"."e\\"f".g'
    assert dotted(("é\n",)) == '"\\xe9\\n"'
