"""Chromium without a window, driven by DevTools messages through two pipes; each message ends with a zero byte."""

from __future__ import annotations

import base64
import contextlib
import itertools
import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from chromium import BROWSER, OPTIONS

WAIT = 60.0
"""Seconds for an answer, on a busy machine."""


class Browser:
    """One tab: `show` opens a page, `run` evaluates JavaScript there, `problems` are what a user would call broken."""

    def __init__(self, send: int, receive: int) -> None:
        self._send, self._receive, self._numbers, self._unread = send, receive, itertools.count(1), b""
        self._session: str | None = None
        self._events: list[dict[str, Any]] = []
        target = self.call("Target.getTargets")["targetInfos"][0]["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **parameters: Any) -> Any:
        number = next(self._numbers)
        message: dict[str, Any] = {"id": number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._send, json.dumps(message).encode() + b"\0")
        while (answer := self._read()).get("id") != number:
            self._events.append(answer)
        assert "error" not in answer, answer
        return answer["result"]

    def _read(self) -> dict[str, Any]:
        while b"\0" not in self._unread:
            assert select.select([self._receive], [], [], WAIT)[0], "the browser does not answer"
            more = os.read(self._receive, 1 << 16)
            assert more, "the browser has ended"
            self._unread += more
        message, _, self._unread = self._unread.partition(b"\0")
        return json.loads(message)

    def show(self, page: Path, settings: str = "", width: int = 1280, dark: bool = False) -> None:
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}
        self.call("Emulation.setDeviceMetricsOverride", **size)
        self.call("Emulation.setEmulatedMedia", features=[scheme])
        self.call("Page.navigate", url="about:blank")
        self.call("Page.navigate", url=f"{page.as_uri()}#{settings}")
        end = time.monotonic() + WAIT
        while not self.run("Boolean(globalThis.playground)"):
            assert time.monotonic() < end, "the page does not start"
            time.sleep(0.05)

    def run(self, script: str) -> Any:
        answer = self.call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def click(self, name: str) -> None:
        self.run(f"document.querySelector({json.dumps(name)}).click()")

    def key(self, name: str) -> None:
        """Press a key and let it go, as a keyboard does; a letter or the name that events have, such as ``"Enter"``."""
        text = {"Enter": "\r"}.get(name, name if len(name) == 1 else "")
        code = {"Tab": 9, "Enter": 13, " ": 32, "ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40}
        about = {"key": name, "windowsVirtualKeyCode": code.get(name, ord(name[0])), "text": text}
        self.call("Input.dispatchKeyEvent", type="keyDown" if text else "rawKeyDown", **about)
        self.call("Input.dispatchKeyEvent", type="keyUp", **about)

    def picture(self) -> bytes:
        """What the tab shows, as PNG."""
        return base64.b64decode(self.call("Page.captureScreenshot")["data"])

    def problems(self) -> list[str]:
        """Exceptions, messages of the console, and requests for anything but the page."""
        self.run("0")
        found = []
        for event in self._events:
            kind, about = event.get("method"), event.get("params", {})
            if kind in ("Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded"):
                found.append(json.dumps(about)[:500])
            url = about["request"]["url"] if kind == "Network.requestWillBeSent" else "about:"
            if not url.startswith(("file:", "about:", "data:")):
                found.append(url)
        return found


@contextlib.contextmanager
def browser(profile: Path) -> Iterator[Browser]:
    import fcntl

    def high(descriptor: int) -> int:  # away from 3 and 4, which the browser reads and writes
        moved = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, 10)
        os.close(descriptor)
        return moved

    pipes = [high(end) for pair in (os.pipe(), os.pipe()) for end in pair]
    theirs_in, ours_out, ours_in, theirs_out = pipes
    options = [*OPTIONS, f"--user-data-dir={profile}", "--remote-debugging-pipe", "about:blank"]
    moved = f"import os, sys; os.dup2({theirs_in}, 3); os.dup2({theirs_out}, 4); os.execv(sys.argv[1], sys.argv[1:])"
    command = [sys.executable, "-c", moved, str(BROWSER), *options]
    process = subprocess.Popen(
        command, pass_fds=(theirs_in, theirs_out), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        for end in (theirs_in, theirs_out):
            os.close(end)
        yield Browser(ours_out, ours_in)
    finally:
        process.terminate()
        process.wait(WAIT)
        for end in (ours_out, ours_in):
            os.close(end)
