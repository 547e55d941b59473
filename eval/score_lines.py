"""Score service lines: right code first and among five, over all systems and within the line's own.

    python eval/score_lines.py LINES.jsonl... [--misses]

Every record has ``text`` and one of ``codes``. Lines that stand in ``eval/lines`` are the project's own.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import numpy as np

from suggester.codesets import open_catalog
from suggester.config import Settings
from suggester.ranking.services.coder import LineCoder


def main() -> int:
    """Score and print one JSON object a file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("files", type=Path, nargs="+")
    parser.add_argument("--misses", action="store_true", help="print lines whose first code is wrong")
    asked = parser.parse_args()
    releases, _ = open_catalog(Settings.load()).release_set(None)
    coder = LineCoder.over(releases)
    for path in asked.files:
        hits, confidences = [], []
        for row in path.read_text(encoding="utf-8").splitlines():
            record = json.loads(row)
            gold = record["codes"][0]
            ranked = [
                (item.system, releases.store(item.system).codes[item.row], confidence)
                for confidence, item in coder.ranked(record["text"])
            ]
            codes = [code for _, code, _ in ranked]
            own = [code for system, code, _ in ranked if system == gold["system"]]
            right = gold["code"]
            hits.append((codes[:1] == [right], right in codes[:5], own[:1] == [right], right in own[:5]))
            confidences.append(ranked[0][2] if ranked else 0.0)
            if asked.misses and own[:1] != [right]:
                sys.stdout.write(f"{record['text']}\t{right}\t{' '.join(own[:3])}\n")
        table = np.array(hits, dtype=float)
        names = ("first", "among five", "first of its system", "among five of its system")
        figures = dict(zip(names, table.mean(axis=0).round(3).tolist(), strict=True))
        error = float(np.mean((np.array(confidences) - table[:, 0]) ** 2))
        sys.stdout.write(
            json.dumps({"lines": len(hits), **figures, "brier of the first": round(error, 3)}) + "\n"
        )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
