"""Data mapped from files: the same numbers as from memory, and no copy of it anywhere."""

import os
import subprocess
import sys

import numpy as np
import pytest

import subgrad as sg
from subgrad import nn
from subgrad.data import read_idx
from subgrad.errors import ArgumentError, DataError, FileError

rng = np.random.default_rng(0)


def network():
    return nn.Sequential(
        nn.Normalize(128, 64), nn.Flatten(), nn.Linear(36, 8, seed=0), nn.ReLU(), nn.Linear(8, 3, seed=1)
    )


def trained(x, y):
    net = network()
    history = sg.fit(net, x, y, loss="cross_entropy", epochs=3, batch_size=16, validation=0.25, verbose=False)
    return history["loss"], history["validation_loss"], net.state_dict()


def test_a_mapped_npy_trains_like_an_array(tmp_path):
    x, y = rng.integers(0, 256, (90, 6, 6), dtype=np.uint8), np.arange(90) % 3
    np.save(tmp_path / "x.npy", x)
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    for a, b in zip(trained(x, y)[:2], trained(mapped, y)[:2], strict=True):
        assert a == b


def test_a_mapped_idx_file_is_its_array(tmp_path):
    x = rng.integers(0, 256, (90, 6, 6), dtype=np.uint8)
    file = tmp_path / "x.idx"
    file.write_bytes(bytes([0, 0, 8, 3]) + b"".join(n.to_bytes(4, "big") for n in x.shape) + x.tobytes())
    mapped = read_idx(file, mmap_mode="r")
    np.testing.assert_array_equal(mapped, read_idx(file))
    assert not mapped.flags.writeable
    assert trained(mapped, np.arange(90) % 3)[0] == trained(x, np.arange(90) % 3)[0]


def test_what_cannot_be_mapped_is_said(tmp_path):
    import gzip

    short = bytes([0, 0, 0x0B, 1, 0, 0, 0, 1, 0, 7])
    (tmp_path / "short.idx").write_bytes(short)
    (tmp_path / "packed.idx").write_bytes(gzip.compress(short))
    assert read_idx(tmp_path / "short.idx").tolist() == [7]
    if sys.byteorder == "little":
        with pytest.raises(FileError, match="bytes in another order"):
            read_idx(tmp_path / "short.idx", mmap_mode="r")
    with pytest.raises(FileError, match="gzipped and cannot be mapped"):
        read_idx(tmp_path / "packed.idx", mmap_mode="r")
    with pytest.raises(FileError, match="cannot read"):
        read_idx(tmp_path / "missing.idx", mmap_mode="r")
    with pytest.raises(ArgumentError, match='mmap_mode is None or "r"'):
        read_idx(tmp_path / "short.idx", mmap_mode="w")


def test_the_first_bad_number_is_found_wherever_it_is(monkeypatch):
    from subgrad.fit import arrays

    monkeypatch.setattr(arrays, "AT_ONCE", 10)
    x = np.zeros((40, 3), "f4")
    x[17, 2], x[30, 0] = np.nan, np.inf
    with pytest.raises(DataError, match=r"X holds 2 NaN or inf, the first at index \(17, 2\)"):
        sg.fit(nn.Linear(3, 1), x, np.zeros(40), loss="squared")


LARGE = """
import resource, sys
import numpy as np
import subgrad as sg
from subgrad import nn
x = np.load(sys.argv[1], mmap_mode="r")
sg.set_threads(1)
limit = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 + 400 * 2**20
resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
net = nn.Sequential(nn.AvgPool2d(1024), nn.Flatten(), nn.Linear(1, 2))
y = np.arange(len(x)) % 2
history = sg.fit(net, x, y, loss="cross_entropy", epochs=1, batch_size=8, validation=0.05, verbose=False)
print(history["loss"])
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="limits of memory work in another way here")
def test_a_gigabyte_is_trained_on_with_less_memory(tmp_path):
    file = tmp_path / "large.npy"
    np.lib.format.open_memmap(file, "w+", np.uint8, (1024, 1, 1024, 1024))  # a file of zeros that takes no room
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run(
        [sys.executable, "-c", LARGE, str(file)], env=environment, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert float(done.stdout.strip("[]\n")) > 0
