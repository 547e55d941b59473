"""How fast the code sets open and answer, against the package that carries ICD-10-CM, on one core.

    python eval/bench_codesets.py [--repeats N] [--json] [--imports [FOLDER]]

With ``--imports`` it measures imports instead, into a fresh store folder: seconds, processor seconds and
peak memory of a full import (term indexes included) of the HCPCS file of the shared data, and of an
ICD-10-CM release made of the embedded tabular list as of the next fiscal year, its order file and the index
tables of the shared data; then microseconds of looking up NCCI pairs. FOLDER is the shared data,
``../shared/data`` if not given.

Otherwise it prints, as medians over fresh processes, the milliseconds to open each compiled store, the term
index and the whole catalog, and to answer the first search; then the median and the slowest of warm
searches; and, measured in the same run, the milliseconds that importing ``simple_icd_10_cm`` takes, with
the ratio to opening our store of the same release, and the peak memory of both. The code sets are built
first if need be.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

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
JOBS = ("ours", "theirs", "hcpcs", "icd10cm", "pairs")
SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"
LOOKUPS = 20_000


def timed(work: Callable[[], object]) -> float:
    """Milliseconds that ``work`` takes."""
    start = time.perf_counter()
    work()
    return (time.perf_counter() - start) * 1000.0


def peak() -> float:
    """Peak memory of this program in megabytes; unlike ``ru_maxrss`` not that of the process it came from."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return float(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) / 1024.0  # type: ignore[index]


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


def next_release(folder: Path, shared: Path) -> Path:
    """A release of ICD-10-CM in the layout of CMS: the embedded list as of the next year, with order file."""
    from suggester.codesets.icd10cm import embedded_tabular, fiscal_year, read_tabular

    source = embedded_tabular()
    year = fiscal_year(source) or 2026
    text = source.read_text(encoding="utf-8")
    text = text.replace(f"<version>{year}</version>", f"<version>{year + 1}</version>", 1)
    folder.mkdir()
    (folder / f"icd10cm_tabular_{year + 1}.xml").write_text(text, encoding="utf-8")
    codes = [node for node in read_tabular(source) if " " not in node.code]
    lines = [
        f"{number:05d} {node.code.replace('.', ''):<7} {int(node.billable)} {node.title[:60]:<60} long\n"
        for number, node in enumerate(codes, 1)
    ]
    (folder / f"icd10cm_order_{year + 1}.txt").write_text("".join(lines), encoding="utf-8")
    for table in sorted((shared / "icd10cm_fy2026").glob("*.xml")):
        shutil.copy(table, folder / table.name)
    return folder


def job_import(source: Path) -> dict[str, float]:
    """One full import into the store folder of the environment."""
    from suggester.codesets import import_files

    began = time.process_time()
    taken = timed(lambda: import_files([source]))
    spent = time.process_time() - began
    return {"seconds": taken / 1000.0, "processor seconds": spent, "peak MB": peak()}


def job_pairs() -> dict[str, float]:
    """Opening the tables of services and looking up pairs, of which half are there."""
    from suggester.codesets.container import Container
    from suggester.codesets.procedures import EDITS_FILE, ProcedureTables
    from suggester.config import Settings

    folder = Settings.load().store_dir
    box = Container.open(folder / EDITS_FILE)
    codes = list(box.strings("ncci_codes"))
    first, second = box.array("ncci_code1"), box.array("ncci_code2")
    step = max(1, 2 * len(first) // LOOKUPS)
    pairs = [(codes[a], codes[b]) for a, b in zip(first[::step], second[::step], strict=True)]
    pairs += [(b, a) for a, b in pairs]
    day = date(2026, 5, 1)
    tables = ProcedureTables(folder)
    opened = timed(lambda: tables.ncci_pair("99213", "36415", day))
    took = timed(lambda: [tables.ncci_pair(one, two, day) for one, two in pairs])
    return {"open the pairs, ms": opened, "look-up of a pair, microseconds": took * 1000.0 / len(pairs)}


def bench_imports(shared: Path) -> dict[str, float]:
    """Each import in a fresh process, into one fresh store folder."""
    figures: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as work:
        os.environ["SUGGESTER_STORE_DIR"] = str(Path(work) / "built")
        from suggester.codesets import build_all

        build_all()
        release = next_release(Path(work) / "release", shared)
        hcpcs = shared / "hcpcs" / "hcpcs_2026_jan_long.csv"
        for job, source in (("hcpcs", hcpcs), ("icd10cm", release)):
            for name, value in measure(job, 1, str(source)).items():
                figures[f"import of {job}: {name}"] = value
        figures |= measure("pairs", 1)
    return figures


def measure(job: str, repeats: int, source: str = "") -> dict[str, float]:
    """Medians of a job over fresh processes."""
    runs: list[dict[str, float]] = []
    for _ in range(repeats):
        done = subprocess.run(
            [sys.executable, __file__, "--job", job, "--source", source],
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
    parser.add_argument(
        "--imports", nargs="?", const=SHARED, type=Path, metavar="FOLDER", help="measure imports instead"
    )
    parser.add_argument("--job", choices=JOBS, help=argparse.SUPPRESS)
    parser.add_argument("--source", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.job:
        jobs: dict[str, Callable[[], dict[str, float]]] = {
            "ours": job_ours,
            "theirs": job_theirs,
            "pairs": job_pairs,
        }
        print(json.dumps(jobs[options.job]() if options.job in jobs else job_import(options.source)))
        return
    if options.imports:
        figures = bench_imports(options.imports)
        if options.json:
            print(json.dumps({name: round(value, 3) for name, value in figures.items()}, indent=1))
            return
        for name, value in figures.items():
            print(f"{value:10.1f} {name}")
        return
    from suggester.codesets import build_all

    build_all()
    ours, theirs = (measure(job, options.repeats) for job in ("ours", "theirs"))
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
