from __future__ import annotations

from pathlib import Path

import pytest
import small_imports as made
from small_imports import write

from suggester.codesets.alphabetic import IndexCompiler, IndexPhrases, code_in, forms, normal, read_part


def compiled(tmp_path: Path, **parts: str) -> IndexPhrases:
    compiler = IndexCompiler()
    for part, text in parts.items():
        path = write(tmp_path / f"{part}.xml", text)
        compiler.add(part, read_part(path, path.name))  # type: ignore[arg-type]
    return compiler.compile()


def index_of(terms: str) -> str:
    return f"<ICD10CM.index><letter><title>A</title>{terms}</letter></ICD10CM.index>"


def term(title: str, inner: str = "", *, level: int = 0) -> str:
    tag = f'term level="{level}"' if level else "mainTerm"
    return f"<{tag}><title>{title}</title>{inner}</{tag.split()[0]}>"


@pytest.mark.parametrize(
    ("title", "said"),
    [
        ("Diabetes, diabetic", ("diabetes", "diabetic")),
        ("Fracture, traumatic", ("fracture", "fracture traumatic")),
        ("Abscess NEC", ("abscess",)),
        ("thing NOS, odd", ("thing",)),
        ("unspecified", ()),
        ("specified NEC", ("specified",)),
        ("O'nyong-nyong fever", ("o'nyong-nyong fever",)),
    ],
)
def test_forms_of_a_title(title: str, said: tuple[str, ...]) -> None:
    assert forms(title) == said


def test_codes_of_the_index() -> None:
    assert [code_in(text) for text in ("E11.9", "E11.6-", "O09.-", "--", "", None, "see")] == [
        "E11.9",
        "E11.6",
        "O09",
        None,
        None,
        None,
        None,
    ]
    assert normal("Sugar,  sugary (sweet)") == "sugar sugary sweet"


def test_paths_modifiers_and_cross_references(tmp_path: Path) -> None:
    found = compiled(tmp_path, index=made.INDEX)
    pairs = set(found.pairs)
    assert {
        ("burn", "T30"),
        ("burn flame", "T30"),
        ("sugary", "E11.9"),
        ("sugar sweet", "E11.9"),
        ("sugary out of bounds", "E11.65"),
        ("sugar out of bounds with thirsty", "E11.6"),
        ("glycosuria trouble", "E11.65"),
        ("glycosuria trouble with thirst", "E11.6"),
        ("gluttony", "E11.9"),
        ("gluttony out of bounds", "E11.65"),
    } <= pairs
    assert not any(phrase.startswith(("gone", "grief")) for phrase, _ in pairs)
    assert ("burn hot gas", "T30") not in pairs, "only single words"
    assert found.unresolved == 1, "Gone, see Nowhere; see condition names nothing on purpose"


def test_tables_of_neoplasms_and_drugs(tmp_path: Path) -> None:
    carcinoma = index_of(
        term("Carcinoma", "<seeAlso>Neoplasm, by site, malignant</seeAlso>")
        + term("Oddoma", "<see>Neoplasm, by site, malignant</see>")
        + term("Lost", "<see>Neoplasm, by colour</see>")
    )
    found = compiled(tmp_path, index=carcinoma, neoplasm=made.NEOPLASM, drug=made.DRUGS)
    pairs = {*found.pairs, *found.table_pairs}
    assert ("oddoma", "T30") in found.pairs, "the term itself"
    assert ("cancer", "T30") not in found.pairs
    assert {
        ("cancer of hand", "S61.4"),
        ("cancer", "T30"),
        ("benign neoplasm", "E11.9"),
        ("carcinoma hand", "S61.4"),
        ("carcinoma", "T30"),
        ("oddoma", "T30"),
        ("fairy dust overdose", "T30"),
    } <= pairs
    assert ("benign neoplasm of hand", "--") not in pairs
    assert ("oddoma hand", "S61.4") not in pairs, "only common heads are followed for every site"
    assert found.unresolved == 1


def test_cross_references_go_through_words_that_connect_and_onward(tmp_path: Path) -> None:
    text = index_of(
        term("Alpha", "<see>Beta, thirst</see>")
        + term(
            "Beta",
            "<code>E11.9</code>" + term("with", term("thirst", "<seeAlso>Gamma</seeAlso>", level=2), level=1),
        )
        + term("Gamma", "<code>T30</code><manif>E11.65</manif>")
        + term("Loop", "<see>Loop</see>")
    )
    pairs = set(compiled(tmp_path, index=text).pairs)
    assert {("alpha", "T30"), ("alpha", "E11.65"), ("beta with thirst", "T30")} <= pairs
    assert ("gamma", "E11.65") in pairs


def test_long_lists_are_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("suggester.codesets.alphabetic._MOST_FOLLOWED", 3)
    children = "".join(term(f"kind{n}", "<code>T30</code>", level=1) for n in range(9))
    found = compiled(tmp_path, index=index_of(term("Much", children) + term("Other", "<see>Much</see>")))
    assert sum(phrase.startswith("other") for phrase, _ in found.pairs) == 2, "the term itself has no code"


@pytest.mark.shared
def test_real_tables_are_read(shared_data: Path) -> None:
    compiler = IndexCompiler()
    folder = shared_data / "icd10cm_fy2026"
    for part, name in (("neoplasm", "neoplasm"), ("drug", "drug"), ("external", "eindex")):
        path = folder / f"icd10cm_{name}_2026.xml"
        compiler.add(part, read_part(path, path.name))  # type: ignore[arg-type]
    found = compiler.compile()
    pairs = {*found.pairs, *found.table_pairs}
    assert found.terms > 10_000
    assert len(pairs) > 50_000
    assert {
        ("cancer of breast", "C50.9"),
        ("aspirin overdose", "T39.011"),
        ("adverse effect of heparin", "T45.515"),
        ("bite alligator", "W58.01"),
    } <= pairs
    assert found.unresolved < found.terms * 0.03
