"""Random claims about random networks, most of them nearly true or nearly false: what is false must not be proven.

    python -m bench.nonsmooth.soundness 3000
    python -m bench.nonsmooth.soundness 3000 --out claims.csv          # goes on where it was when it is called again
    python -m bench.nonsmooth.soundness 1 --first 1234                 # that one alone

Networks have dense layers, convolutions, batch normalisation, pooling, residual sums, joins, products and all kinds of
units (`random_networks.py`), with weights that saturate, differ by 1e12, or are 0; boxes are large, tiny, flat, points,
far away, or long along some inputs. The least value of a linear function of the outputs is searched for by projected
descent from corners and random points, and computed in balls of 320 bits where it is found. Limits lie there to the
last float, one float beside it, and 1e-7, 1e-3 and 0.1 of its range beside it.

It is a fault if what is proven is false at a point that is known, if a bound that `verify` states is beyond the value
there, if a counter-example is none in balls, if the bounds of NumPy or of native code over parts of the box do not hold
at points in them, or if the checker does not accept a proof. Exits with 1 if there was one.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections import Counter
from pathlib import Path

from bench.nonsmooth.claims import Claim

SEEN = 100
"""Claims after which progress is shown."""

FIELDS = ["seed", "kinds", "way", "side", "status", "proof", "boxes", "fault"]
STATUSES = ["proven", "refuted", "unknown"]


def row_of(seed: int, budget: int) -> dict[str, str]:
    """What becomes of a claim, in words."""
    claim = Claim(seed)
    found = claim.check(budget)
    faults = "; ".join([*found.faults, *claim.faults_of_bounds()])
    return {
        "seed": str(seed), "kinds": "+".join(sorted(claim.network.kinds)), "way": found.way, "side": found.side,
        "status": found.status, "proof": found.proof, "boxes": str(found.boxes), "fault": faults,
    }  # fmt: skip


def report(rows: list[dict[str, str]]) -> None:
    """How many of each kind were proven, refuted and left open, those that are false and those that may be true."""
    kinds = {kind for row in rows for kind in row["kinds"].split("+")}
    ways = sorted({row["way"] for row in rows})
    groups = [("all", rows), *((f"by {way}", [r for r in rows if r["way"] == way]) for way in ways)]
    groups += [(kind, [r for r in rows if kind in r["kinds"].split("+")]) for kind in sorted(kinds)]
    print(f"{'':26}{'false claims':>30}{'others':>30}{'proofs':>9}")
    print(f"{'':26}{'proven   refuted   unknown':>30}{'proven   refuted   unknown':>30}{'checked':>9}")
    for name, some in groups:
        counts = Counter((r["side"], r["status"]) for r in some)
        cells = (f"{counts[side, status]:10,}" for side in ("false", "perhaps true") for status in STATUSES)
        print(f"{name:26}{''.join(cells)}{sum(r['proof'] == 'checked' for r in some):9,}")
    print("proven without a proof that can be saved:", sum(r["proof"] == "none" for r in rows))
    faults = [row for row in rows if row["fault"]]
    for row in faults:
        print(f"seed {row['seed']}, {row['way']}: {row['fault']}")
    print("faults:", len(faults))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("count", type=int, nargs="?", default=3000, help="claims")
    parser.add_argument("--first", type=int, default=0, help="the seed of the first one; the others follow")
    parser.add_argument("--budget", type=int, default=150, help="boxes for each")
    parser.add_argument("--out", type=Path, help="a table of the claims, which a later run goes on with")
    given = parser.parse_args()
    rows: list[dict[str, str]] = []
    if given.out is not None and given.out.exists():
        with given.out.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file, FIELDS))
    seeds = range(given.first, given.first + given.count)
    known = {int(row["seed"]): row for row in rows}
    for seed in seeds:
        if seed in known:
            continue
        known[seed] = row_of(seed, given.budget)
        if given.out is not None:
            with given.out.open("a", encoding="utf-8", newline="") as file:
                csv.DictWriter(file, FIELDS).writerow(known[seed])
        if known[seed]["fault"] or len(known) % SEEN == 0:
            said = known[seed]["fault"] or "no fault"
            print(f"{len(known)} claims; seed {seed}: {said}", file=sys.stderr, flush=True)
    found = [known[seed] for seed in seeds]
    report(found)
    sys.exit(int(any(row["fault"] for row in found)))


if __name__ == "__main__":
    main()
