"""A file is written whole or not at all, and only where there is a file or nothing."""

import errno
import os
import stat
import sys

import pytest

from subgrad.errors import ArgumentError, FileError
from subgrad.io.atomic import require_writable, write_atomically

posix = pytest.mark.skipif(sys.platform == "win32", reason="Windows has other links, pipes and modes")


def names(folder):
    return sorted(p.name for p in folder.iterdir())


def test_a_file_is_made_and_replaced(tmp_path):
    path = tmp_path / "model"
    for content in (b"one", b"", b"three"):
        write_atomically(path, content)
        assert path.read_bytes() == content
    write_atomically(str(path), b"four")
    assert names(tmp_path) == ["model"]


@posix
def test_modes_are_those_of_the_old_file_or_of_the_umask(tmp_path):
    path, before = tmp_path / "model", os.umask(0o027)
    try:
        write_atomically(path, b"")
        assert stat.S_IMODE(path.stat().st_mode) == 0o640
        path.chmod(0o600)
        write_atomically(path, b"again")
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    finally:
        os.umask(before)


@posix
def test_links_are_followed(tmp_path):
    (tmp_path / "there").mkdir()
    path, target = tmp_path / "link", tmp_path / "there" / "model"
    path.symlink_to(target)  # to nothing yet
    for content in (b"one", b"two"):
        write_atomically(path, content)
        assert path.is_symlink()
        assert target.read_bytes() == content
    assert names(tmp_path / "there") == ["model"]


@posix
def test_what_is_no_file_is_left_alone(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "to a pipe").symlink_to(tmp_path / "pipe")
    (tmp_path / "ring").symlink_to(tmp_path / "ring")
    (tmp_path / "folder").mkdir()
    paths = {tmp_path / "pipe": "a pipe", tmp_path / "to a pipe": "a pipe", tmp_path / "folder": "a folder",
             os.devnull: "a device", tmp_path / "ring": "", "": "a folder", "a\0b": "null"}  # fmt: skip
    for path, kind in paths.items():
        for check in (lambda p: write_atomically(p, b"x"), require_writable):
            with pytest.raises(FileError, match=f"cannot write .*{kind}"):
                check(path)
    assert names(tmp_path) == ["folder", "pipe", "ring", "to a pipe"]
    with pytest.raises(ArgumentError, match="written to a path, got 3"):
        write_atomically(3, b"")


@posix
def test_a_name_that_is_too_long(tmp_path):
    for name in ("x" * 300, "x" * 5000, "/".join(["x" * 200] * 30)):
        with pytest.raises(FileError, match="cannot write"):
            write_atomically(tmp_path / name, b"")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.name == "posix" and os.geteuid() == 0, reason="root may write everything")
def test_what_may_only_be_read_is_left_alone(tmp_path):
    path = tmp_path / "model"
    path.write_bytes(b"kept")
    path.chmod(0o400)
    with pytest.raises(FileError, match="may only be read"):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"kept"


def test_folders_that_cannot_be_written_to_are_known_before(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    for path in (tmp_path / "no" / "model", tmp_path / "file" / "model"):
        with pytest.raises(FileError, match="cannot write"):
            require_writable(path)
    require_writable(tmp_path / "model")
    require_writable(tmp_path / "file")
    require_writable(tmp_path / ("long" * 60))
    write_atomically(tmp_path / ("long" * 60), b"")
    assert names(tmp_path) == ["file", "long" * 60]


@pytest.mark.parametrize("step", ["fsync", "replace", "fdopen"])
@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()])
def test_a_full_disk_or_ctrl_c_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch, step, error):
    path = tmp_path / "model"
    path.write_bytes(b"old")

    def fail(*_, **__):
        raise error

    monkeypatch.setattr(os, step, fail)
    with pytest.raises(FileError if isinstance(error, OSError) else KeyboardInterrupt, match="No space|^$"):
        write_atomically(path, b"new")
    monkeypatch.undo()
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["model"]


LIMITED = """
import resource, sys
from subgrad.errors import FileError
from subgrad.io.atomic import write_atomically
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    write_atomically(sys.argv[1], bytes(5000))
except FileError as error:
    print(error)
"""


@posix
def test_a_file_that_grows_beyond_a_real_limit(tmp_path):
    import subprocess

    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    found = subprocess.run(
        [sys.executable, "-c", LIMITED, str(tmp_path / "model")], env=environment, capture_output=True, text=True
    )
    assert "cannot write" in found.stdout, found.stderr
    assert names(tmp_path) == []


def test_figures_are_files_too(tmp_path):
    figure = pytest.importorskip("matplotlib.figure").Figure()
    from subgrad.io.figure import save_figure

    save_figure(figure, tmp_path / "one.svg")
    save_figure(figure, tmp_path / "two")
    assert names(tmp_path) == ["one.svg", "two.png"]
    with pytest.raises(ArgumentError, match="cannot save a figure as one.docx"):
        save_figure(figure, tmp_path / "one.docx")
    with pytest.raises(FileError, match="cannot write"):
        save_figure(figure, tmp_path / "no" / "one.png")
