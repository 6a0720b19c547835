"""The results as Markdown."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

from bench import store
from bench.measure.again import TASKS
from bench.measure.costs import STARTED
from bench.measure.idle import OTHERS
from bench.page.ratios import best, best_peer, doubt, ratio
from bench.page.tables import duration, megabytes, table
from bench.peers import BY_NAME as PEERS
from bench.peers import OURS
from bench.spawn import ROOT
from bench.work import agree
from bench.work.workloads import BY_NAME as WORKLOADS

PAGE, CHART = ROOT / "docs" / "benchmarks.md", ROOT / "docs" / "benchmarks.svg"
BEGIN, END = "<!-- bench: begin -->", "<!-- bench: end -->"
HEAD = f"# Benchmarks\n\n{BEGIN}\n{END}\n"
Row = dict[str, Any]


def publish(results: store.Results) -> None:
    """Write the page, what stands outside the markers untouched, and the chart."""
    from bench.page.chart import draw

    page = PAGE.read_text(encoding="utf-8") if PAGE.exists() else HEAD
    before, _, rest = page.partition(BEGIN)
    after = rest.partition(END)[2]
    store.write_text(PAGE, f"{before}{BEGIN}\n{text(results)}\n{END}{after}")
    if _relied_on(results):
        draw(_relied_on(results), CHART)


def text(results: store.Results) -> str:
    """All sections that were measured."""
    parts = [_machine(results)]
    if results.get("times"):
        chart = f"![Speed of each side over that of subgrad]({CHART.name})" if _relied_on(results) else ""
        parts += [_overview(results), chart, _disagreements(results["times"]), _rates(results), _memory(results)]
    if results.get("busy"):
        parts.append(_busy(results))
    makers = {"compiles": _compiles, "again": _again, "starts": _starts, "imports": _imports, "growth": _growth}
    parts += [make(results[section]) for section, make in makers.items() if results.get(section)]
    parts += [_variants(results["times"])] if results.get("times") else []
    return "\n\n".join(filter(None, parts))


def _relied_on(results: store.Results) -> dict[str, list[Row]]:
    """The rows of the workloads that have a ratio."""
    return {name: rows for name, rows in results.get("times", {}).items() if not doubt(rows)}


def _machine(results: store.Results) -> str:
    m = results["machine"]
    versions = ", ".join(f"{name} {version}" for name, version in {"Python": m["python"], **m["versions"]}.items())
    limit = f" Fused multiply-adds in registers: {results['limit'] / 1e9:.0f} GFLOP/s." if "limit" in results else ""
    return (
        f"Measured {m['date']} on {m['processor']} ({m['level']}), {m['system']}, {m['threads']} threads for each "
        f"side, float32.{limit} {versions}.\n\nEach number is the median of interleaved passes over processes that "
        f"wait for their turns, each pass the {_statistic(m)} of its repeats. `python -m bench` repeats it."
    )


def _statistic(m: dict[str, Any]) -> str:
    return "median" if m["percentile"] == 50 else f"{m['percentile']:.0f}th percentile"


def _overview(results: store.Results) -> str:
    """One line a workload: the best variant of each side, and the ratio to the best of the peers."""
    times = results["times"]
    peers = [n for n in PEERS if any(best(rows, n) for rows in times.values())]
    lines = [
        [_title(name), *(_cell(best(rows, p)) for p in peers), _ratio(rows, doubt(rows))]
        for name, rows in _ordered(times)
    ]
    head = ["", *(PEERS[p].title for p in peers), "best peer / subgrad"]
    return "## A training step, or a call\n\n" + table(head, lines) + "\n\n" + _doubts(times)


def _ratio(rows: Sequence[Row], doubt: str) -> str:
    return "" if doubt else str(ratio(rows) or "")


def _doubts(times: dict[str, list[Row]]) -> str:
    """What the ratios stand for, and the workloads that have none."""
    found: dict[str, list[str]] = {}
    for name, rows in _ordered(times):
        found.setdefault(doubt(rows), []).append(name)
    without = [f"- {', '.join(names)}: {reason}" for reason, names in found.items() if reason]
    note = (
        "A ratio is the median over rounds of passes, both sides measured within the same round; in brackets the least "
        "and the greatest of the rounds. Below 1 the peer is faster. It stands only where other programs had less than "
        f"{100 * OTHERS:.0f} % of the processors during most passes of each side."
    )
    return note + ("" if not without else " They had more for these:\n\n" + "\n".join(without))


def _ordered(times: dict[str, list[Row]]) -> list[tuple[str, list[Row]]]:
    return [(name, times[name]) for name in WORKLOADS if name in times]


def _title(name: str) -> str:
    return f"{name}: {WORKLOADS[name].title}"


def _cell(row: Row | None) -> str:
    return f"{duration(row['seconds'])} ({row['variant']})" if row else ""


def _disagreements(times: dict[str, list[Row]]) -> str:
    found = [sentence for rows in times.values() for sentence in agree.disagreements(rows)]
    if not found:
        return (
            f"All sides arrive at the same losses and answers, to {agree.TOLERANCE:g} of their size "
            f"({agree.ADAM_OF_SKLEARN:g} for scikit-learn's Adam, which adds epsilon at another place; "
            f"{agree.SECOND_RUN_OF_RESNET:g} for the second run of ResNet-20's training)."
        )
    return "These did not arrive at the losses of the others:\n\n" + "\n".join(f"- {sentence}" for sentence in found)


def _rates(results: store.Results) -> str:
    """Operations per second: against the machine's limit, and awkward sizes against round ones."""
    if "limit" not in results:
        return ""
    rate = {name: _rate(name, rows) for name, rows in _ordered(results["times"])}
    limit = max(results["limit"], *rate.values())
    lines = [
        [_title(name), f"{r / 1e9:.0f}", f"{100 * r / limit:.0f} %", duration(WORKLOADS[name].flops() / limit),
         _kept(name, rate)] for name, r in rate.items() if r
    ]  # fmt: skip
    note = (
        f"Products and convolutions alone are counted. The limit, {limit / 1e9:.0f} GFLOP/s, is the best that any of "
        "many attempts at multiply-adds in registers reached, before, between and after the measurements.\n\n"
    )
    head = ["", "GFLOP/s", "of the limit", "at the limit it would take", "of the round sizes' rate"]
    return "### Of the machine's limit\n\n" + note + table(head, lines)


def _rate(name: str, rows: Sequence[Row]) -> float:
    ours = best(rows, OURS.name)
    return WORKLOADS[name].flops() / ours["seconds"] if ours else 0.0


def _kept(name: str, rate: dict[str, float]) -> str:
    like = rate.get(WORKLOADS[name].like)
    return f"{100 * rate[name] / like:.0f} %" if like else ""


def _busy(results: store.Results) -> str:
    """The best variants again while another program computes in as many threads, and how much longer they take."""
    lines = []
    for name, rows in _ordered(results["busy"]):
        ours, theirs, alone = best(rows, OURS.name), best_peer(rows), results.get("times", {}).get(name, [])
        if ours and theirs:
            cells = [_cell(ours), f"{_cell(theirs)}, {PEERS[theirs['peer']].title}"]
            lines.append([_title(name), *cells, _ratio(alone, doubt(alone)),
                          _ratio(rows, doubt(rows, busy=True))])  # fmt: skip
    note = (
        "A program with a thread pinned to each processor multiplies matrices all the while "
        "(`python -m bench --busy`).\n\n"
    )
    head = ["", "subgrad", "best peer", "best peer / subgrad, alone", "on the busy machine"]
    return "## On a busy machine\n\n" + note + table(head, lines)


def _compiles(found: dict[str, list[Row]]) -> str:
    """A line a workload, a column a variant: cold and warm."""
    columns = list(dict.fromkeys((r["peer"], r["variant"]) for rows in found.values() for r in rows))
    lines = []
    for name, rows in _ordered(found):
        cells = {(r["peer"], r["variant"]): _compiled(r) for r in rows}
        lines.append([_title(name), *(cells.get(c, "") for c in columns)])
    note = (
        "The first step beyond the second, in a process that has compiled another network before: with empty caches, "
        "and from the cache on disk that a process before filled.\n\n"
    )
    head = ["", *(f"{PEERS[peer].title} ({variant})" for peer, variant in columns)]
    return "## Compiling a training step: cold, and from the cache\n\n" + note + table(head, lines)


def _compiled(row: Row) -> str:
    return row.get("error", "").replace("|", "\\|") or f"{duration(row['cold'])}, {duration(max(row['warm'], 0))}"


def _again(rows: Sequence[Row]) -> str:
    sides = list(dict.fromkeys(r["peer"] for r in rows))
    cells = {(r["task"], r["peer"]): duration(r["seconds"]) if "seconds" in r else r["error"] for r in rows}
    lines = [[what, *(cells.get((task, side), "") for side in sides)] for task, what in TASKS.items()]
    note = (
        "A network 10-32-2 with relu and Adam, all Python included: `fit` and `partial_fit`, `predict` and "
        "`predict_proba`.\n\n"
    )
    return "## A second call\n\n" + note + table(["", *(PEERS[s].title for s in sides)], lines)


def _memory(results: store.Results) -> str:
    """The most memory each side's process held: of a small network and of one with many layers."""
    times = results["times"]
    names = [n for n in STARTED if n in times]
    found = [(p, [best(times[n], p) for n in names]) for p in PEERS]
    lines = [[PEERS[p].title, *(_peak(row) for row in rows)] for p, rows in found if any(rows)]
    return "### Peak memory of training\n\n" + table(["", *names], lines) if names else ""


def _peak(row: Row | None) -> str:
    return f"{megabytes(row['peak_bytes'])} ({row['variant']})" if row and row["peak_bytes"] else ""


def _variants(times: dict[str, list[Row]]) -> str:
    lines = [[name, PEERS[r["peer"]].title, r["variant"], *_numbers(r)] for name, rows in _ordered(times) for r in rows]
    head = ["", "", "variant", "time", "slowest pass", "set-up", "peak memory"]
    note = "`@1` is one thread; set-up is tracing and compiling, with empty caches, where other programs rested.\n\n"
    return "## Every variant\n\n" + note + table(head, lines)


def _numbers(row: Row) -> list[str]:
    if "error" in row:
        return [row["error"].replace("|", "\\|"), "", "", ""]
    spread = "" if row["spread"] is None else f"+{100 * row['spread']:.0f} %"
    setup = duration(row["setup"]) if (row["setup"] or 0) > 0 else ""  # less than the noise of a run
    return [duration(row["seconds"]), spread, setup, megabytes(row["peak_bytes"])]


def _starts(rows: Sequence[Row]) -> str:
    names = [n for n in WORKLOADS if any(r["workload"] == n for r in rows)]
    found: dict[tuple[str, str], dict[str, str]] = {}
    for row in rows:
        time = duration(row["seconds"]) if "seconds" in row else row["error"]
        found.setdefault((row["peer"], row["how"]), {})[row["workload"]] = time
    lines = [[PEERS[peer].title, how, *(cells.get(n, "") for n in names)] for (peer, how), cells in found.items()]
    return "## From the start of a process to the first trained step\n\n" + table(["", "", *names], lines)


def _imports(rows: Iterable[Row]) -> str:
    lines = [[PEERS[r["peer"]].title, duration(r["seconds"]), megabytes(r["bytes"])] for r in rows]
    note = "The import comes after that of NumPy; the size is that of all packages that pip installs.\n\n"
    return "## Import and installation\n\n" + note + table(["", "import", "installed"], lines)


def _growth(rows: Sequence[Row]) -> str:
    """Seconds against depth, and the exponent between the two deepest."""
    lines = [[str(r["layers"]), *(_growth_cells(r))] for r in rows]
    done = [r for r in rows if "seconds" in r]
    power = f"\n\nBetween the two deepest the time grows with depth to the power {_exponent(*done[-2:]):.2f}."
    head = ["linear layers", "to the first step", "per layer", "peak memory"]
    return "## Compile time against depth\n\n" + table(head, lines) + (power if len(done) > 1 else "")


def _growth_cells(row: Row) -> list[str]:
    if "error" in row:
        return [row["error"], "", ""]
    return [duration(row["seconds"]), duration(row["seconds"] / row["layers"]), megabytes(row["peak_bytes"])]


def _exponent(a: Row, b: Row) -> float:
    return math.log(b["seconds"] / a["seconds"]) / math.log(b["layers"] / a["layers"])
