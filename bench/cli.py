"""The command line: what to measure, and where the numbers go."""

from __future__ import annotations

import argparse
import shlex
import tempfile
from collections.abc import Callable, Iterator, Sequence

from bench import spawn, store
from bench.measure import again, compiles, costs, machine, passes
from bench.measure.idle import Watch
from bench.page import report
from bench.peers import PEERS, Peer
from bench.work import agree
from bench.work.workloads import AWKWARD, ROUND, Workload

SECTIONS = ("times", "compiles", "again", "starts", "imports", "growth")


def main() -> None:
    options = _parser().parse_args()
    if options.quick:
        options.passes, options.seconds, options.retries = 1, 0.5, 0
    spawn.under[:] = shlex.split(options.under)
    if not options.report:
        found = run(options, (lambda found: None) if options.quick else store.keep)
        print(report.text(found))
    if not options.quick:
        report.publish(store.read())


def run(options: argparse.Namespace, keep: Callable[[store.Results], object]) -> store.Results:
    """Measure the chosen sections; ``keep`` gets what there is after each of them, and after each workload."""
    peers = _installed(options.peers)
    found: store.Results = {"machine": {**machine.describe(peers, options.threads), "percentile": options.percentile}}
    repeats = 1 if options.quick else 5
    for section in ["times"] if options.busy else options.only or SECTIONS:
        if section == "times":
            name = "busy" if options.busy else "times"
            watch = Watch(options.threads)
            for workload, rows in _times(options, peers, watch):
                found[name] = {**found.get(name, {}), workload: rows}
                found["limit"] = watch.limit
                keep(found)
        elif section == "compiles":
            chosen = _chosen(options.workloads or compiles.CHOSEN, False)
            found["compiles"] = compiles.measure(chosen, peers, repeats, options.threads, _say)
        elif section == "again":
            found["again"] = again.sections(peers, repeats, options.threads)
        elif section == "starts":
            found["starts"] = costs.starts(peers, repeats, options.threads)
        elif section == "imports":
            found["imports"] = costs.imports(peers, repeats, options.threads)
        elif section == "growth":
            depths = (10, 30, 100) if options.quick else (10, 30, 100, 300, 1000)
            found["growth"] = costs.growth(depths, options.threads, _say)
        keep(found)
    return found


def _times(options: argparse.Namespace, peers: Sequence[Peer], watch: Watch) -> Iterator[tuple[str, list[passes.Row]]]:
    """The name and the rows of each workload."""
    with tempfile.TemporaryDirectory(prefix="bench") as cache:
        settings = passes.Settings(
            passes=options.passes, seconds=options.seconds, percentile=options.percentile, threads=options.threads,
            cache=cache, avx2=options.avx2, busy=options.busy, retries=options.retries,
        )  # fmt: skip
        for workload in _chosen(options.workloads, options.awkward):
            rows = passes.measure(workload, peers, settings, watch, _say)
            for sentence in agree.disagreements(rows):
                _say(f"NOT THE SAME WORK: {sentence}")
            yield workload.name, rows


def _chosen(names: Sequence[str], awkward: bool) -> list[Workload]:
    return [w for w in (*ROUND, *AWKWARD) if w.name in names or (not names and (awkward or w in ROUND))]


def _installed(names: Sequence[str]) -> list[Peer]:
    found = []
    for peer in (p for p in PEERS if not names or p.name in names):
        missing = peer.missing()
        if missing:
            _say(f"{peer.title} is left out: {', '.join(missing)} not installed")
        else:
            found.append(peer)
    return found


def _say(text: str) -> None:
    print(text, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description="This project and its peers in one run.")
    names = [w.name for w in (*ROUND, *AWKWARD)]
    parser.add_argument(
        "--peers",
        nargs="+",
        default=[],
        choices=[p.name for p in PEERS],
        metavar="NAME",
        help=f"only these: {', '.join(p.name for p in PEERS)}",
    )
    parser.add_argument(
        "--workloads", nargs="+", default=[], choices=names, metavar="NAME", help=f"only these: {', '.join(names)}"
    )
    parser.add_argument("--only", nargs="+", default=[], choices=SECTIONS, help="only these measurements")
    parser.add_argument("--awkward", action="store_true", help="also sizes that fit no tile, and tiny batches")
    parser.add_argument("--avx2", action="store_true", help="also this side held to AVX2")
    parser.add_argument(
        "--busy", action="store_true", help="the times alone, while another program keeps the same processors busy"
    )
    parser.add_argument("--threads", type=int, default=machine.available_processors(), help="for each side")
    parser.add_argument("--passes", type=int, default=5, help="interleaved passes over each workload")
    parser.add_argument("--seconds", type=float, default=1.0, help="of one pass over one variant, without its warm-up")
    parser.add_argument("--retries", type=int, default=4, help="of a pass during which the machine was not idle")
    parser.add_argument(
        "--percentile", type=float, default=50, help="of a pass's repeats; 10 says more on a machine that is not idle"
    )
    parser.add_argument("--under", default="", help="a command that starts each measurement, such as 'taskset -c 0,1'")
    parser.add_argument("--quick", action="store_true", help="one short pass, shown and not kept")
    parser.add_argument("--report", action="store_true", help="measure nothing, write the report of the kept results")
    return parser
