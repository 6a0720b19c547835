"""The object cache: what it keeps, what it refuses, and that processes can share it."""

import hashlib
import os
import stat
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from subgrad.compile.runtime import cache
from subgrad.compile.runtime.cache import ObjectCache, default_cache, key

posix = pytest.mark.skipif(os.name != "posix", reason="owners and modes of files are what is tested")
KEY, OTHER = key("one", "cpu"), key("another", "cpu")


@pytest.fixture
def store(tmp_path):
    return ObjectCache(tmp_path / "objects")


def entry(store):
    (path,) = store.folder.glob("*.object")
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


def forged(data, payload):
    """An entry as somebody makes it who knows the format and not the secret."""
    return data[:48] + struct.pack("<Q", len(payload)) + hashlib.sha256(data[:48] + payload).digest() + payload


def test_an_entry_without_the_secret_is_ignored(store):
    store.put(KEY, b"code")
    path = entry(store)
    path.write_bytes(forged(path.read_bytes(), b"evil"))
    assert store.get(KEY) is None


@posix
@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_an_entry_that_others_could_write_is_ignored(store, mode):
    store.put(KEY, b"code")
    entry(store).chmod(mode)
    assert store.get(KEY) is None
    store.put(KEY, b"code")  # replaced, not written into
    assert store.get(KEY) == b"code"
    assert stat.S_IMODE(entry(store).stat().st_mode) == 0o600


@posix
def test_an_entry_that_is_a_link_is_ignored(store, tmp_path):
    store.put(KEY, b"code")
    entry(store).rename(tmp_path / "elsewhere")
    (store.folder / f"{KEY.hex()}.object").symlink_to(tmp_path / "elsewhere")
    assert store.get(KEY) is None


@posix
def test_a_pipe_in_the_place_of_an_entry_does_not_block(store):
    store.put(KEY, b"code")
    entry(store).unlink()
    os.mkfifo(store.folder / f"{KEY.hex()}.object")
    assert store.get(KEY) is None


@posix
@pytest.mark.parametrize("mode", [0o770, 0o707, 0o777, 0o1777])
def test_a_folder_that_others_can_write_is_refused_and_said(store, mode):
    store.put(KEY, b"code")
    store.folder.chmod(mode)
    with pytest.warns(UserWarning, match="is not kept in .*lets other users in.*SUBGRAD_CACHE"):
        assert store.get(KEY) is None
    store.put(OTHER, b"more")  # without another warning, and without a file
    assert entry(store).name.startswith(KEY.hex())


@posix
def test_what_belongs_to_another_user_is_refused(store, monkeypatch):
    store.put(KEY, b"code")
    another = os.geteuid() + 1
    monkeypatch.setattr(os, "geteuid", lambda: another)
    with pytest.warns(UserWarning, match="it belongs to user"):
        assert store.get(KEY) is None


@posix
@pytest.mark.parametrize("spoil", [
    lambda path: path.chmod(0o640),
    lambda path: path.write_bytes(b"short"),
    lambda path: path.write_bytes(bytes(33)),
])  # fmt: skip
def test_a_secret_that_is_none_is_made_anew(store, spoil):
    store.put(KEY, b"code")
    secret = store.folder / "secret.key"
    before = secret.read_bytes()
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    spoil(secret)
    assert store.get(KEY) is None
    store.put(KEY, b"code")
    assert store.get(KEY) == b"code"
    assert secret.read_bytes() != before
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600


def test_where_modes_say_nothing_the_secret_lies_in_the_profile(store, monkeypatch, tmp_path):
    monkeypatch.setattr(cache.ownership, "POSIX", False)
    monkeypatch.setattr(cache, "_user_folder", lambda: tmp_path / "profile")
    store.put(KEY, b"code")
    assert store.get(KEY) == b"code"
    assert [path.name for path in store.folder.iterdir()] == [entry(store).name]
    assert [path.name for path in (tmp_path / "profile").iterdir()] == ["secret.key"]


def test_an_entry_under_a_foreign_name_is_ignored(store):
    store.put(KEY, b"code")
    path = entry(store)
    path.rename(path.with_name(path.name.replace(KEY.hex(), OTHER.hex())))
    assert store.get(OTHER) is None


def test_the_least_recently_used_entries_go_first(tmp_path):
    store = ObjectCache(tmp_path, limit=4000)
    keys = [key(str(i)) for i in range(3)]
    for age, name in enumerate(keys):
        store.put(name, bytes(1000))
        os.utime(tmp_path / f"{name.hex()}.object", (age, age))
    assert store.get(keys[0]) is not None  # used just now, so the second one is the oldest
    store.put(KEY, bytes(1000))
    assert store.get(keys[1]) is None
    assert all(store.get(name) for name in (keys[0], keys[2], KEY))


def test_the_folder_is_looked_at_when_it_may_hold_too_much(tmp_path, monkeypatch):
    monkeypatch.setattr(cache, "FILES", 16)
    looks = []
    look = ObjectCache._files
    monkeypatch.setattr(ObjectCache, "_files", lambda store: looks.append(1) or look(store))
    store = ObjectCache(tmp_path)
    for i in range(40):
        store.put(key(str(i)), b"code")
        assert len(list(tmp_path.glob("*.object"))) <= 16
    assert len(looks) < 40 / 2  # at the first, and whenever two more than are kept have been written


def test_left_over_temporary_files_count_and_go(tmp_path):
    left = tmp_path / f"{OTHER.hex()}.objectabcdef"
    left.write_bytes(bytes(5000))
    os.utime(left, (0, 0))
    ObjectCache(tmp_path, limit=2000).put(KEY, b"code")
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([f"{KEY.hex()}.object", "secret.key"])


def test_no_temporary_file_is_left(store):
    store.put(KEY, b"code")
    assert entry(store).name == f"{KEY.hex()}.object"
    assert {path.name for path in store.folder.iterdir()} == {entry(store).name, "secret.key"}


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
from subgrad.compile.runtime.cache import ObjectCache, key
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
    assert {path.suffix for path in tmp_path.iterdir()} == {".object", ".key"}
