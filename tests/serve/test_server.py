"""The server as a process: it answers, and when it is told to stop, it loses no request that it has taken."""

import http.client
import json
import re
import signal
import socket
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

import subgrad as sg
from subgrad import nn
from subgrad.errors import ArgumentError

JSON = {"content-type": "application/json"}


@pytest.fixture
def net(tmp_path):
    net = nn.Sequential(nn.Linear(3, 4, seed=1), nn.ReLU(), nn.Linear(4, 1, seed=2))
    sg.save(net, tmp_path / "net.safetensors")
    return net


@pytest.fixture
def server(net, tmp_path):
    """A process, and the port that it has said it listens on."""
    command = [sys.executable, "-m", "subgrad", "serve", tmp_path / "net.safetensors", "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            for line in process.stderr:
                if found := re.search(r"http://127.0.0.1:(\d+)", line):
                    yield process, int(found[1])
                    break
        finally:
            process.kill()


class Sender(threading.Thread):
    """Asks again and again over connections that are kept, until there is nobody to connect to."""

    def __init__(self, port, enough):
        super().__init__()
        self.port, self.enough, self.answered, self.lost, self.closed = port, enough, [], [], 0

    def run(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        while True:
            row = [len(self.answered), 1.0, -1.0]
            try:
                if connection.sock is None:
                    connection.connect()
            except ConnectionRefusedError:
                return
            try:
                connection.request("POST", "/predict", json.dumps({"instances": [row]}), JSON)
                answer = connection.getresponse()
                self.answered.append((row, answer.status, json.loads(answer.read())))
                self.closed += answer.getheader("connection") == "close"
            except Exception as error:
                self.lost.append(repr(error))
                return
            if len(self.answered) == 50:
                self.enough.release()


def test_nothing_is_lost_when_the_process_is_told_to_stop(server, net):
    process, port = server
    enough = threading.Semaphore(0)
    senders = [Sender(port, enough) for _ in range(8)]
    for sender in senders:
        sender.start()
    assert enough.acquire(timeout=60)
    process.send_signal(signal.SIGTERM)
    for sender in senders:
        sender.join(60)
    assert process.wait(20) == 0
    assert [sender.lost for sender in senders] == [[]] * 8
    answers = [a for sender in senders for a in sender.answered]
    assert {status for _, status, _ in answers} == {200}
    expected = sg.predict(net, np.array([row for row, _, _ in answers]))
    assert np.allclose([found["predictions"][0] for _, _, found in answers], expected, rtol=1e-4, atol=1e-5)
    assert sum(sender.closed for sender in senders) >= 1


def test_who_sends_too_long_a_body_hears_so(server):
    _, port = server
    for content in (b" " * 17_000_000, (b" " * 1_000_000 for _ in range(17))):  # with its length, and in chunks
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        connection.request("POST", "/predict", content, JSON)  # to its end, before the answer is looked at
        answer = connection.getresponse()
        assert answer.status == 413
        assert "longer than 16,777,216 bytes" in json.loads(answer.read())["error"]
        connection.close()


def test_an_address_that_cannot_be_listened_on_is_told_before_the_model_is_loaded():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ArgumentError, match=f"cannot listen on 127.0.0.1:{port}: "):
            sg.serve("no file", port=port)
    with pytest.raises(ArgumentError, match="cannot listen on 256.0.0.1:0: "):
        sg.serve("no file", host="256.0.0.1", port=0)


SHORT = """
from importlib import import_module
import subgrad as sg
server = import_module("subgrad.serve.server")
server.DRAIN = 3.0
server.serve(sg.nn.Linear(3, 1, seed=0), port=0)
"""


def test_a_body_that_nobody_sends_to_its_end_is_not_waited_for_twice():
    with subprocess.Popen([sys.executable, "-c", SHORT], stderr=subprocess.PIPE, text=True) as process:
        try:
            port = next(int(found[1]) for line in process.stderr if (found := re.search(r"127.0.0.1:(\d+)", line)))
            with socket.create_connection(("127.0.0.1", port)) as half:
                half.sendall(b"POST /predict HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n")
                half.sendall(b'Content-Length: 50\r\n\r\n{"inst')
                time.sleep(0.5)
                start = time.monotonic()
                process.send_signal(signal.SIGTERM)
                assert process.wait(20) == 0
                assert 3.0 <= time.monotonic() - start < 5.5
        finally:
            process.kill()
