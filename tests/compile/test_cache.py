"""The object cache: what it keeps, what it refuses, and that processes can share it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from subgrad.compile import cache
from subgrad.compile.cache import ObjectCache, default_cache, key

KEY, OTHER = key("one", "cpu"), key("another", "cpu")


@pytest.fixture
def store(tmp_path):
    return ObjectCache(tmp_path / "objects")


def entry(store):
    (path,) = store.folder.iterdir()
    return path


def test_what_was_put_is_got(store):
    assert store.get(KEY) is None
    store.put(KEY, b"code")
    assert store.get(KEY) == b"code"
    assert store.get(OTHER) is None


def test_keys_tell_parts_apart():
    assert key("ab", "c") != key("a", "bc") != key("abc")
    assert key("a") == key("a")
    assert len(key("a")) == 32


@pytest.mark.parametrize("damage", [
    lambda data: data[:-1],
    lambda data: data + b"x",
    lambda data: data[:5],
    lambda data: b"",
    lambda data: data[:-1] + bytes([data[-1] ^ 1]),
    lambda data: b"X" + data[1:],
    lambda data: data[:20] + bytes([data[20] ^ 1]) + data[21:],
])  # fmt: skip
def test_a_damaged_entry_is_ignored_and_rewritten(store, damage):
    store.put(KEY, b"code")
    path = entry(store)
    path.write_bytes(damage(path.read_bytes()))
    assert store.get(KEY) is None
    store.put(KEY, b"code")
    assert store.get(KEY) == b"code"


def test_an_entry_under_a_foreign_name_is_ignored(store):
    store.put(KEY, b"code")
    path = entry(store)
    path.rename(path.with_name(path.name.replace(KEY.hex(), OTHER.hex())))
    assert store.get(OTHER) is None


def test_the_least_recently_used_entries_go_first(tmp_path):
    store = ObjectCache(tmp_path, limit=3500)
    keys = [key(str(i)) for i in range(3)]
    for age, name in enumerate(keys):
        store.put(name, bytes(1000))
        os.utime(tmp_path / f"{name.hex()}.object", (age, age))
    assert store.get(keys[0]) is not None  # used just now, so the second one is the oldest
    store.put(KEY, bytes(1000))
    assert store.get(keys[1]) is None
    assert all(store.get(name) for name in (keys[0], keys[2], KEY))


def test_left_over_temporary_files_count_and_go(tmp_path):
    left = tmp_path / f"{OTHER.hex()}.objectabcdef"
    left.write_bytes(bytes(5000))
    os.utime(left, (0, 0))
    ObjectCache(tmp_path, limit=2000).put(KEY, b"code")
    assert [path.name for path in tmp_path.iterdir()] == [f"{KEY.hex()}.object"]


def test_no_temporary_file_is_left(store):
    store.put(KEY, b"code")
    assert entry(store).name == f"{KEY.hex()}.object"


def test_a_folder_that_cannot_be_made_is_no_cache(tmp_path):
    (tmp_path / "file").write_text("in the way")
    store = ObjectCache(tmp_path / "file" / "objects")
    store.put(KEY, b"code")
    assert store.get(KEY) is None


def test_the_environment_chooses_the_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("SUBGRAD_CACHE", str(tmp_path))
    assert default_cache().folder == tmp_path
    monkeypatch.setenv("SUBGRAD_CACHE", "off")
    assert default_cache().folder is None


@pytest.mark.parametrize(("platform", "expected"), [
    ("linux", "there/subgrad"),
    ("darwin", "home/Library/Caches/subgrad"),
    ("win32", "local/subgrad/Cache"),
])  # fmt: skip
def test_the_usual_folder_of_each_system(monkeypatch, platform, expected):
    monkeypatch.delenv("SUBGRAD_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", "there")
    monkeypatch.setenv("LOCALAPPDATA", "local")
    monkeypatch.setattr(cache.sys, "platform", platform)
    monkeypatch.setattr(cache.Path, "home", lambda: Path("home"))
    assert default_cache().folder == Path(expected)


WRITER = """
import sys
from pathlib import Path
from subgrad.compile.cache import ObjectCache, key
store = ObjectCache(Path(sys.argv[1]), limit=20000)
for turn in range(100):
    name = str(turn % 7)
    store.put(key(name), name.encode() * 3000)
    found = store.get(key(name))
    assert found is None or found == name.encode() * 3000
"""


def test_processes_share_the_folder(tmp_path):
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = [sys.executable, "-c", WRITER, str(tmp_path)]
    writers = [subprocess.Popen(command, env=environment) for _ in range(3)]
    assert [writer.wait(60) for writer in writers] == [0, 0, 0]
    assert all(path.suffix == ".object" for path in tmp_path.iterdir())
