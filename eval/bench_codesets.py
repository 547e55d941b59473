"""How fast the code sets open and answer, against the package that carries ICD-10-CM, on one core.

    python eval/bench_codesets.py [--repeats N] [--json]

Prints, as medians over fresh processes, the milliseconds to open each compiled store, the term index and the
whole catalog, and to answer the first search; then the median and the slowest of warm searches; and, measured
in the same run, the milliseconds that importing ``simple_icd_10_cm`` takes, with the ratio to opening our
store of the same release, and the peak memory of both. The code sets are built first if need be.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable

QUERIES = (
    "heart attack",
    "broken hip",
    "diabetis",
    "type 2 diabetes with neuropathy",
    "chest x-ray two views",
    "pnuemonia",
    "E11",
    "folding walker with wheels",
    "knee pain",
    "screening colonoscopy",
)
ONE_THREAD = {name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}
JOBS = ("ours", "theirs")


def timed(work: Callable[[], object]) -> float:
    """Milliseconds that ``work`` takes."""
    start = time.perf_counter()
    work()
    return (time.perf_counter() - start) * 1000.0


def peak() -> float:
    """Peak memory of this process in megabytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0


def job_ours() -> dict[str, float]:
    """Our stores, opened one by one and then together; and searches."""
    from suggester.codesets import installed, open_catalog
    from suggester.codesets.store import ReleaseStore

    out: dict[str, float] = {}
    for release in installed():
        path = release.path
        if path is not None:
            out[f"open {release.system} {release.id}"] = timed(lambda path=path: ReleaseStore(path))  # type: ignore[misc]
    began = time.perf_counter()
    catalog = open_catalog()
    out["open the catalog"] = (time.perf_counter() - began) * 1000.0
    chosen, _ = catalog.release_set()
    out["open the term index"] = timed(lambda: chosen.terms)
    out["first search"] = timed(lambda: catalog.search(QUERIES[0]))
    warm = [timed(lambda query=query: catalog.search(query)) for query in QUERIES * 3]  # type: ignore[misc]
    out["warm search, median"] = statistics.median(warm)
    out["warm search, slowest"] = max(warm)
    out["peak MB"] = peak()
    return out


def job_theirs() -> dict[str, float]:
    """The package that carries the ICD-10-CM tabular list."""

    def load() -> None:
        import simple_icd_10_cm  # noqa: F401 - the import is what is measured

    return {"import simple_icd_10_cm": timed(load), "peak MB": peak()}


def measure(job: str, repeats: int) -> dict[str, float]:
    """Medians of a job over fresh processes."""
    runs: list[dict[str, float]] = []
    for _ in range(repeats):
        done = subprocess.run(
            [sys.executable, __file__, "--job", job],
            check=True,
            capture_output=True,
            text=True,
            env={**os.environ, **ONE_THREAD},
        )
        runs.append(json.loads(done.stdout))
    return {name: statistics.median(run[name] for run in runs) for name in runs[0]}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeats", type=int, default=5, help="fresh processes for each job")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    parser.add_argument("--job", choices=JOBS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.job:
        print(json.dumps(job_ours() if options.job == "ours" else job_theirs()))
        return
    from suggester.codesets import build_all

    build_all()
    ours, theirs = (measure(job, options.repeats) for job in JOBS)
    opened = next(value for name, value in ours.items() if name.startswith("open ICD-10-CM"))
    figures = {
        **{f"ours: {name}": value for name, value in ours.items()},
        **{f"theirs: {name}": value for name, value in theirs.items()},
        "ratio: their import to opening our ICD-10-CM store": theirs["import simple_icd_10_cm"] / opened,
    }
    if options.json:
        print(json.dumps({name: round(value, 3) for name, value in figures.items()}, indent=1))
        return
    for name, value in figures.items():
        unit = "MB" if name.endswith("MB") else "" if name.startswith("ratio") else "ms"
        print(f"{value:10.1f} {unit:2} {name.removesuffix(' MB')}")


if __name__ == "__main__":
    main()
