"""The built pages in a headless browser: what it asks for, what it complains about, and what does not fit."""

from __future__ import annotations

import http.server
import json
import os
import queue
import signal
import subprocess
import threading
from functools import partial
from pathlib import Path
from typing import Any

from chromium import BROWSER, OPTIONS

_TOLD = b"""<script>
const tell = words => parent.told && parent.told(location.pathname, words);
addEventListener("error", e => tell(e.message || e.target.src || e.target.href), true);
for (const level of ["error", "warn"]) console[level] = (...said) => tell(said.join(" "));
</script>"""

_LOOK = """<!DOCTYPE html><meta charset="utf-8"><body><script>
const pages = PAGES, widths = WIDTHS, seen = {};
function told(path, words) { (seen[path] ??= {said: [], wide: {}, foreign: []}).said.push(words); }
async function look(path) {
  const frame = document.createElement("iframe");
  frame.style.cssText = "border:0;height:900px;width:" + widths[0] + "px";
  const loaded = new Promise(done => frame.onload = done);
  frame.src = path;
  document.body.append(frame);
  await loaded;
  const page = seen[path] ??= {said: [], wide: {}, foreign: []};
  const view = frame.contentWindow, root = view.document.documentElement;
  for (const width of widths) {
    frame.style.width = width + "px";
    const cut = [...root.querySelectorAll("pre > code")].filter(e => e.scrollWidth > e.clientWidth + 1);
    page.wide[width] = {page: root.scrollWidth, cut: cut.map(e => e.textContent.slice(0, 120))};
  }
  const asked = view.performance.getEntriesByType("resource").map(r => r.name);
  page.foreign = asked.filter(name => !name.startsWith(location.origin) && !name.startsWith("data:"));
  frame.remove();
}
async function worker() { while (pages.length) await look(pages.pop()); }
Promise.all([worker(), worker(), worker()]).then(() => fetch("/seen", {method: "POST", body: JSON.stringify(seen)}));
</script>"""


class _Pages(http.server.SimpleHTTPRequestHandler):
    """Serves a folder; each page reports to the one that looks at it."""

    look = ""
    seen: queue.Queue[dict[str, Any]]

    def do_POST(self) -> None:
        self.seen.put(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self._answer(b"")

    def do_GET(self) -> None:
        if self.path == "/look":
            self._answer(self.look.encode())
        elif self.path.endswith((".html", "/")) and (file := Path(self.translate_path(self.path))).exists():
            page = (file / "index.html" if file.is_dir() else file).read_bytes()
            self._answer(page.replace(b"<head>", b"<head>" + _TOLD, 1))
        else:
            super().do_GET()

    def _answer(self, page: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        self.wfile.write(page)

    def log_message(self, *_: object) -> None:
        pass


def looked_at(folder: Path, paths: list[str], widths: list[int], profile: Path) -> dict[str, Any]:
    """For each page: what the browser ``said``, ``foreign`` addresses it asked for, and at each of the widths, under
    ``wide``, how wide the page is and which code is cut off."""
    look = _LOOK.replace("PAGES", json.dumps(paths)).replace("WIDTHS", json.dumps(widths))
    handler = type("Pages", (_Pages,), {"look": look, "seen": queue.Queue()})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(handler, directory=str(folder))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        options = [*OPTIONS, "--hide-scrollbars", f"--user-data-dir={profile}", "--window-size=1400,1000"]
        options.append("--remote-debugging-port=0")
        command = [str(BROWSER), *options, f"http://127.0.0.1:{server.server_port}/look"]
        nowhere = subprocess.DEVNULL
        browser = subprocess.Popen(command, stdout=nowhere, stderr=nowhere, start_new_session=True)
        try:
            return handler.seen.get(timeout=120)
        finally:
            os.killpg(browser.pid, signal.SIGKILL)  # a script may have started the browser proper
            browser.wait()
            server.shutdown()
