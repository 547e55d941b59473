"""A small world of code sets, compiled in a fraction of a second, for tests of building and damage.

Run as a program it builds into a folder, slowly enough to be killed half-way.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

from suggester.codesets import build, importing, importing_releases
from suggester.codesets.hcpcs import HcpcsRow, IoceReader, IoceTables
from suggester.codesets.lexicon import lexicon_hash, read_lexicon
from suggester.config import Settings

TABULAR = """<?xml version="1.0" encoding="utf-8"?>
<ICD10CM.tabular>
 <version>2026</version>
 <chapter><name>4</name><desc>Endocrine diseases (E00-E89)</desc>
  <excludes1><note>transitory things of the newborn (P70-P74)</note></excludes1>
  <section id="E08-E13"><desc>Diabetes mellitus (E08-E13)</desc>
   <useAdditionalCode><note>insulin (Z79.4)</note></useAdditionalCode>
   <diag><name>E11</name><desc>Type 2 diabetes mellitus</desc>
    <includes><note>diabetes NOS</note></includes>
    <excludes2><note>gestational diabetes (O24.4-)</note></excludes2>
    <diag><name>E11.6</name><desc>Type 2 diabetes mellitus with other complications</desc>
     <diag><name>E11.65</name><desc>Type 2 diabetes mellitus with hyperglycemia</desc></diag></diag>
    <diag><name>E11.9</name><desc>Type 2 diabetes mellitus without complications</desc>
     <inclusionTerm><note>plain type 2</note></inclusionTerm></diag>
   </diag></section>
 </chapter>
 <chapter><name>19</name><desc>Injuries (S00-T88)</desc>
  <section id="S60-S69"><desc>Injuries to the hand (S60-S69)</desc>
   <excludes1><note>burns (T20-T32)</note></excludes1>
   <diag><name>S61</name><desc>Open wound of wrist and hand</desc>
    <sevenChrNote><note>add the 7th character</note></sevenChrNote>
    <sevenChrDef><extension char="A">initial encounter</extension>
     <extension char="D">subsequent encounter</extension><extension char="S">sequela</extension></sevenChrDef>
    <notes>
     <note>7th characters D and S do not apply to codes in category S61 with 6th character 3 - torn</note>
    </notes>
    <diag><name>S61.4</name><desc>Open wound of hand</desc>
     <diag><name>S61.41</name><desc>Laceration of hand</desc>
      <diag><name>S61.411</name><desc>Laceration of right hand</desc></diag>
      <diag><name>S61.412</name><desc>Laceration of left hand</desc></diag>
      <diag><name>S61.413</name><desc>Laceration of torn hand</desc></diag>
      <diag><name>S61.419</name><desc>Laceration of unspecified hand</desc></diag></diag>
     <diag><name>S61.5</name><desc>Sjögren wound</desc></diag></diag></diag></section>
  <section id="T20-T32"><desc>Burns (T20-T32)</desc>
   <includes><note>burns of all kinds</note></includes></section>
  <section id="T30-T32"><desc>Burns without site (T30-T32)</desc>
   <diag><name>T30</name><desc>Burn of unspecified region</desc></diag></section>
 </chapter>
</ICD10CM.tabular>
"""

LEXICON = {
    "icd10cm/a.tsv": "phrase\tcode\nsugar disease\tE11.9\n",
    "cpt/a.tsv": "phrase\tcode\tlabel\nblood draw\t36415\tblood draw from a vein\n",
    "hcpcs/supplies.tsv": "phrase\tcode\ntaxi ride\tA0100\n",
    "hcpcs/drug_units.tsv": "drug\tcode\tamount\tunit\troute\nketorolac\tJ1885\t15\tmg\tIM|IV\n",
    "hcpcs/short_words.tsv": "short\twords\ntrans\ttransport\n",
    "drugs/drugs.tsv": "drug\tbrands\tclass\tlong_term_code\ttreats\nketorolac\ttoradol\tnsaid\t\tpain\n",
    "synonyms/synonyms.tsv": "phrase\texpansion\nsugar trouble\tdiabetes\n",
    "synonyms/abbreviations.tsv": (
        "abbreviation\texpansion\tcase\tsections\tnear\tnot_near\ndm\tdiabetes\tany\t\t\t\n"
    ),
    "synonyms/misspellings.tsv": "wrong\tright\ndiabtes\tdiabetes\n",
    "synonyms/word_forms.tsv": "form\tbase\ndiabetic\tdiabetes\n",
    "synonyms/stopwords.tsv": "word\nof\nand\nwith\nwithout\nby\n",
    "synonyms/not_alone.tsv": "phrase\nshift\nlower leg\n",
    "history/personal.tsv": "prefix\tcode\nC50\tZ85.3\n",
    "history/family.tsv": "prefix\tcode\nC50\tZ80.3\n",
}


def write_tabular(folder: Path, text: str = TABULAR) -> Path:
    """The small tabular list as a file."""
    path = folder / "small-tabular.xml"
    path.write_text(text, encoding="utf-8")
    return path


def write_lexicon(folder: Path) -> Path:
    """The small lexicons as files."""
    for name, text in LEXICON.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


class Forbidden(dict[str, Any]):
    """A row whose descriptor must stay unread."""

    def __getitem__(self, key: str) -> Any:
        if key == "description":
            raise AssertionError("a descriptor was read that must stay unread")
        return super().__getitem__(key)

    get = __getitem__  # type: ignore[assignment]


def _row(description: str, *, kind: type[dict[str, Any]] = dict, approved: int = 0) -> dict[str, Any]:
    return kind(description=description, mid_quarter_date_edit=68 if approved else 0, date_approved=approved)


class SmallIoce(IoceReader):
    """I/OCE tables of two quarters with a handful of rows."""

    tables: dict[str, list[tuple[str, Any]]] = {  # noqa: RUF012 - constant
        "version_range": [
            ("1", {"version": 1, "date_started": 20250701, "date_ended": 20250930}),
            ("2", {"version": 2, "date_started": 20260101, "date_ended": 20260331}),
            ("3", {"version": 3, "date_started": 20260401, "date_ended": 20360331}),
        ],
        "data_hcpcs": [
            ("A0100|1|1", _row("Old text")),
            ("A0100|2|3", _row("Nonemergency trans taxi")),
            ("J1885|1|3", _row("Ketorolac tromethamine inj")),
            ("C9818|2|3", _row("Suzetrigine, orl, 1mg", approved=20260123)),
            ("E0100|1|2", _row("Gone in April")),
            ("D0120|1|3", _row("dental", kind=Forbidden)),
            ("36415|1|3", _row("owned by the AMA", kind=Forbidden)),
            ("0001F|1|3", _row("owned by the AMA", kind=Forbidden)),
            ("0042T|1|2", _row("owned by the AMA", kind=Forbidden)),
            ("99213|1|3", _row("owned by the AMA", kind=Forbidden)),
        ],
        "data_modifier": [("25|1|3", {}), ("XX|1|2", {})],
        "map_addon_type1": [("99213|36415|1|3", {}), ("36415|99213|1|2", {})],
        "map_addon_type3": [],
        "map_addon_drug_admin": [("99213|36415|1|3", {})],
    }

    def __init__(self) -> None:
        super().__init__(None)

    def rows(self, table: str) -> Iterator[tuple[str, Any]]:
        """Rows of a small table."""
        yield from self.tables[table]

    def ncci(self) -> Iterator[tuple[str, str, bool, date, date]]:
        """One pair."""
        yield "36415", "99213", True, date(2025, 7, 1), date(2036, 3, 31)


@contextmanager
def small_ioce(*, folder: Path) -> Iterator[IoceReader]:
    """The small tables in place of those of pyoce; leaves a temp file as the real ones do."""
    temp = folder / ".ioce.small.tmp"
    temp.write_bytes(b"inflated")
    yield SmallIoce()
    temp.unlink()


MADE_UP = "Zebra inspection by lantern"
"""In place of a descriptor of CPT; nobody's words."""


class OpenIoce(SmallIoce):
    """The small tables with made-up descriptors of CPT that may be read; those of dental codes may not."""

    tables: dict[str, list[tuple[str, Any]]] = {  # noqa: RUF012 - constant
        **SmallIoce.tables,
        "data_hcpcs": [
            (key, _row(MADE_UP) if key[0].isdigit() else row) for key, row in SmallIoce.tables["data_hcpcs"]
        ],
    }


@contextmanager
def open_ioce(*, folder: Path) -> Iterator[IoceReader]:
    """The small tables as a licensee has them."""
    del folder
    yield OpenIoce()


@contextmanager
def small_world(sources: Path) -> Iterator[None]:
    """Let ``suggester.codesets.build`` compile the small sources instead of the installed ones."""
    tabular, lexicon = write_tabular(sources), write_lexicon(sources / "lexicon")
    with (
        patch.object(build, "embedded_tabular", lambda: tabular),
        patch.object(build, "open_ioce", small_ioce),
        patch.object(build, "read_lexicon", partial(read_lexicon, lexicon)),
        patch.object(build, "lexicon_hash", partial(lexicon_hash, folder=lexicon)),
        patch.object(importing, "read_lexicon", partial(read_lexicon, lexicon)),
        patch.object(importing_releases, "FEWEST_BILLABLE", 5),
        patch.object(importing_releases, "FEWEST_HCPCS", 2),
        patch.object(importing_releases, "FEWEST_CPT", 2),
        patch.object(build, "INFLATED_BYTES", 1),
    ):
        yield


def small_rows(count: int) -> IoceTables:
    """Tables with so many CPT numbers."""
    rows = tuple(HcpcsRow(f"{10000 + i}", "", date(2026, 1, 1)) for i in range(count))
    return IoceTables(date(2026, 4, 1), (), rows, (), ())


def main() -> None:
    """Build again and again, waiting before and within every write."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("sources", type=Path)
    parser.add_argument("--pause", type=float, default=0.0)
    parser.add_argument("--times", type=int, default=1)
    options = parser.parse_args()
    real_sync = os.fsync

    def slow_sync(handle: int) -> None:
        time.sleep(options.pause)
        real_sync(handle)

    with small_world(options.sources), patch.object(os, "fsync", slow_sync):
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        for _ in range(options.times):
            build.build_all(Settings.load(store_dir=options.folder), force=bool(options.pause))


if __name__ == "__main__":
    main()
