from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from small_codesets import LEXICON, write_lexicon

from suggester.codesets.lexicon import lexicon_hash, read_history, read_lexicon, read_rows
from suggester.errors import LexiconError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_lexicon(tmp_path / "lexicon")


def test_lexicon_is_read_whole(folder: Path) -> None:
    lexicon = read_lexicon(folder)
    assert [(row.phrase, row.code, row.where) for row in lexicon.icd10cm] == [
        ("sugar disease", "E11.9", "a.tsv:2")
    ]
    assert lexicon.cpt[0].label == "blood draw from a vein"
    assert lexicon.hcpcs[0].code == "A0100"
    assert lexicon.drugs[0].names == ("ketorolac", "toradol")
    assert (lexicon.drug_units[0].amount, lexicon.drug_units[0].route) == (15.0, ("IM", "IV"))
    assert lexicon.senses[0].exact is False
    assert lexicon.stop_words == {"of", "and", "with", "without", "by"}
    assert lexicon.not_alone == {"shift", "lower leg"}
    assert read_history(folder) == ({"C50": "Z85.3"}, {"C50": "Z80.3"})


def test_comments_blank_lines_windows_line_ends_and_more_columns(folder: Path) -> None:
    (folder / "icd10cm" / "a.tsv").write_bytes(
        b"# first\r\nphrase\tcode\tremark\r\n\r\n# second\r\n one \tE11.9\r\ntwo\tE11.65\tbecause\r\n"
    )
    assert [(row.phrase, row.code, row.where) for row in read_lexicon(folder).icd10cm] == [
        ("one", "E11.9", "a.tsv:5"),
        ("two", "E11.65", "a.tsv:6"),
    ]


def replaced(name: str, text: str | bytes) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        data = text if isinstance(text, bytes) else text.encode()
        (folder / name).write_bytes(data)

    return change


def row(name: str, line: str) -> Callable[[Path], None]:
    """The file with one more row, on its third line."""
    return replaced(name, LEXICON[name] + line + "\n")


def removed(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).unlink()


BAD = [
    (row("icd10cm/a.tsv", "a\tE11.9\tmore"), "a.tsv:3: 3 cells, expected at most 2"),
    (row("icd10cm/a.tsv", "\tE11.9"), "a.tsv:3: the cell under 'phrase' is empty"),
    (row("icd10cm/a.tsv", "a phrase"), "a.tsv:3: the cell under 'code' is empty"),
    (row("icd10cm/a.tsv", "a phrase\t"), "a.tsv:3: the cell under 'code' is empty"),
    (row("icd10cm/a.tsv", "a phrase\te11.9"), "a.tsv:3: 'e11.9' does not look like a code of ICD-10-CM"),
    (row("icd10cm/a.tsv", "a phrase\tE119"), "a.tsv:3: 'E119' does not look like a code of ICD-10-CM"),
    (row("icd10cm/a.tsv", "a\x00phrase\tE11.9"), "a.tsv:3: control character '\\x00'"),
    (row("icd10cm/a.tsv", "a\x0bphrase\tE11.9"), "a.tsv:3: control character '\\x0b'"),
    (row("icd10cm/a.tsv", "a\u2028phrase\tE11.9"), "a.tsv:3: control character '\\u2028'"),
    (replaced("icd10cm/a.tsv", "\ufeffphrase\tcode\na\tE11.9\n"), "a.tsv:1: control character '\\ufeff'"),
    (replaced("icd10cm/a.tsv", b"phrase\tcode\na\tE11.9\nna\xefve\tE11.9\n"), "a.tsv:3: not UTF-8"),
    (replaced("icd10cm/a.tsv", ""), "a.tsv:1: no header; expected the columns ['phrase', 'code']"),
    (replaced("icd10cm/a.tsv", "# only a comment\n"), "a.tsv:1: no header"),
    (replaced("icd10cm/a.tsv", "code\tphrase\n"), "a.tsv:1: columns ['code', 'phrase'], expected"),
    (replaced("icd10cm/a.tsv", "phrase\n"), "a.tsv:1: columns ['phrase'], expected ['phrase', 'code']"),
    (row("cpt/a.tsv", "a\t36415"), "a.tsv:3: the cell under 'label' is empty"),
    (row("cpt/a.tsv", "a\tJ1885\tb"), "a.tsv:3: 'J1885' does not look like a code of CPT"),
    (
        row("hcpcs/supplies.tsv", "a\tD0120"),
        "supplies.tsv:3: 'D0120' does not look like a code of HCPCS Level II",
    ),
    (row("hcpcs/supplies.tsv", "a\t99213"), "supplies.tsv:3: '99213' does not look like a code of HCPCS"),
    (
        row("hcpcs/drug_units.tsv", "a\tJ1885\tten\tmg\tIV"),
        "drug_units.tsv:3: amount 'ten' is not a number above 0",
    ),
    (row("hcpcs/drug_units.tsv", "a\tJ1885\tnan\tmg\tIV"), "drug_units.tsv:3: amount 'nan'"),
    (row("hcpcs/drug_units.tsv", "a\tJ1885\t0\tmg\tIV"), "drug_units.tsv:3: amount '0'"),
    (row("hcpcs/drug_units.tsv", "a\tJ1885\t-5\tmg\tIV"), "drug_units.tsv:3: amount '-5'"),
    (row("hcpcs/drug_units.tsv", "a\tJ1885\t5"), "drug_units.tsv:3: the cell under 'unit' is empty"),
    (row("hcpcs/short_words.tsv", "a"), "short_words.tsv:3: the cell under 'words' is empty"),
    (row("drugs/drugs.tsv", "a\t\t\tZ7\t"), "drugs.tsv:3: 'Z7' does not look like a code of ICD-10-CM"),
    (row("synonyms/synonyms.tsv", "a"), "synonyms.tsv:3: the cell under 'expansion' is empty"),
    (
        row("synonyms/abbreviations.tsv", "mi\tinfarct\tmaybe"),
        "abbreviations.tsv:3: case 'maybe', allowed: any, exact",
    ),
    (row("synonyms/abbreviations.tsv", "mi"), "abbreviations.tsv:3: the cell under 'expansion' is empty"),
    (row("synonyms/misspellings.tsv", "a"), "misspellings.tsv:3: the cell under 'right' is empty"),
    (row("synonyms/word_forms.tsv", "a"), "word_forms.tsv:3: the cell under 'base' is empty"),
    (replaced("synonyms/stopwords.tsv", "term\n"), "stopwords.tsv:1: columns ['term'], expected ['word']"),
    (removed("synonyms/stopwords.tsv"), "lexicon file stopwords.tsv is missing"),
    (removed("hcpcs/supplies.tsv"), "lexicon file supplies.tsv is missing"),
]


@pytest.mark.parametrize(("change", "message"), BAD, ids=[message for _, message in BAD])
def test_bad_lexicon_is_an_error_that_names_file_and_line(
    folder: Path, change: Callable[[Path], None], message: str
) -> None:
    change(folder)
    with pytest.raises(LexiconError) as caught:
        read_lexicon(folder)
    assert str(caught.value).startswith(message)


def test_missing_folder_is_an_error(folder: Path) -> None:
    (folder / "icd10cm" / "a.tsv").unlink()
    (folder / "icd10cm").rmdir()
    with pytest.raises(LexiconError, match="lexicon folder icd10cm is missing"):
        read_lexicon(folder)


def test_bad_history_is_an_error_that_names_file_and_line(folder: Path) -> None:
    with (folder / "history" / "family.tsv").open("a") as handle:
        handle.write("C61\tz80\n")
    with pytest.raises(LexiconError, match=r"family\.tsv:3: 'z80' does not look like a code of ICD-10-CM"):
        read_history(folder)


def test_rows_carry_their_line_numbers(folder: Path) -> None:
    rows = list(read_rows(folder / "synonyms" / "stopwords.tsv", ("word",)))
    assert rows[0] == (2, ("of",))
    assert rows[-1] == (6, ("by",))


def test_hash_follows_names_and_content(folder: Path) -> None:
    before, icd10cm, cpt = (
        lexicon_hash(folder=folder),
        *(lexicon_hash(p, folder=folder) for p in ("icd10cm", "cpt")),
    )
    (folder / "icd10cm" / "a.tsv").rename(folder / "icd10cm" / "b.tsv")
    assert lexicon_hash(folder=folder) != before
    assert lexicon_hash("icd10cm", folder=folder) != icd10cm
    assert lexicon_hash("cpt", folder=folder) == cpt
    (folder / "icd10cm" / "b.tsv").rename(folder / "icd10cm" / "a.tsv")
    assert lexicon_hash(folder=folder) == before
    one = lexicon_hash("hcpcs/short_words.tsv", folder=folder)
    with (folder / "hcpcs" / "short_words.tsv").open("a") as handle:
        handle.write("pch\tpouch\n")
    assert lexicon_hash("hcpcs/short_words.tsv", folder=folder) != one
