from __future__ import annotations

import lzma
import re
from datetime import date
from pathlib import Path

import pytest
from small_codesets import SmallIoce

from suggester.codesets import Catalog
from suggester.codesets.compiling import expand_short
from suggester.codesets.hcpcs import ioce_archive, open_ioce
from suggester.codesets.lexicon import read_lexicon
from suggester.errors import CodeSetError


def test_one_quarter_is_read_and_no_foreign_descriptor() -> None:
    tables = SmallIoce().read(date(2026, 2, 1))  # its rows raise where a descriptor must stay unread
    assert tables.valid_from == date(2026, 1, 1)
    assert [(row.code, row.short) for row in tables.level_ii] == [
        ("A0100", "Nonemergency trans taxi"),
        ("C9818", "Suzetrigine, orl, 1mg"),
        ("D0120", ""),
        ("E0100", "Gone in April"),
        ("J1885", "Ketorolac tromethamine inj"),
    ]
    assert [(row.code, row.short) for row in tables.cpt] == [
        ("0001F", ""),
        ("0042T", ""),
        ("36415", ""),
        ("99213", ""),
    ]
    assert tables.modifiers == ("25", "XX")
    assert tables.add_ons == (("36415", "99213"), ("99213", "36415"))


def test_what_ended_is_gone_and_a_day_outside_is_refused() -> None:
    tables = SmallIoce().read(date(2026, 4, 1))
    assert "E0100" not in [row.code for row in tables.level_ii]
    assert "0042T" not in [row.code for row in tables.cpt]
    assert tables.modifiers == ("25",)
    with pytest.raises(CodeSetError, match="do not cover 2019-01-01"):
        SmallIoce().read(date(2019, 1, 1))
    with pytest.raises(CodeSetError, match="do not cover 2025-11-01"):
        SmallIoce().version_on(date(2025, 11, 1))


def test_first_day_is_that_of_the_unbroken_run_or_of_the_approval() -> None:
    first = {row.code: row.valid_from for row in SmallIoce().read(date(2026, 4, 1)).level_ii}
    assert first["A0100"] == date(2025, 7, 1), "a changed descriptor does not begin a code anew"
    assert first["C9818"] == date(2026, 1, 23), "approved within the quarter"


@pytest.mark.parametrize(
    ("short", "expected"),
    [
        ("Ost pch drain", "Ostomy pouch drain"),
        ("Drain, ost; pch.", "Drain, ostomy; pouch."),
        ("pch", "Pouch"),
        ("OST", "Ostomy"),
        ("", ""),
        ("unknown wd", "Unknown wd"),
    ],
)
def test_short_descriptors_are_written_out(short: str, expected: str) -> None:
    assert expand_short(short, {"ost": "ostomy", "pch": "pouch"}) == expected


def test_damaged_archive_is_said(tmp_path: Path) -> None:
    good = lzma.compress(b"x" * 10_000)
    for data in (b"not xz", good[:40], good[:30] + b"\0\0\0\0" + good[34:], good):
        path = tmp_path / "pyoce.mdb.xz"
        path.write_bytes(data)
        with pytest.raises(CodeSetError, match="pyoce is damaged"), open_ioce(path, folder=tmp_path):
            pass
    assert [item.name for item in tmp_path.iterdir()] == ["pyoce.mdb.xz"], "the inflated file is removed"
    assert ioce_archive().is_file()


def test_shipped_release(catalog: Catalog) -> None:
    store = catalog.store("HCPCS", date(2026, 4, 1))
    assert len(store) == 8_256
    assert catalog.lookup("HCPCS", "J1885", date(2026, 4, 1)).display.startswith("Ketorolac")
    assert len(catalog.store("HCPCS", date(2026, 1, 1))) == 8_207
    assert catalog.lookup("HCPCS", "C9818").valid_from == date(2026, 1, 23)


def test_no_cpt_or_dental_descriptor_is_stored(catalog: Catalog) -> None:
    labels = {row.label for row in read_lexicon().cpt} | {""}
    cpt = catalog.store("CPT")
    assert len(cpt) == 11_546
    assert not any(cpt.shorts)
    assert set(cpt.titles) <= labels
    for release in catalog.releases:
        if release.system == "HCPCS":
            store = catalog.store("HCPCS", release.valid_from)
            for code, title, short in zip(store.codes, store.titles, store.shorts, strict=True):
                assert re.fullmatch(r"[A-V]\d{4}", code)
                assert bool(title) == bool(short) == (code[0] != "D"), code


def test_cpt_numbers_are_no_level_ii_codes(catalog: Catalog) -> None:
    assert all(re.fullmatch(r"\d{4}[0-9AFMTU]", code) for code in catalog.store("CPT").codes)
    assert not set(catalog.store("CPT").codes) & set(catalog.store("HCPCS").codes)
