"""The rules as a whole: switching off, setting aside, a site's own file, a claim, suggestions, the page."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from engine_world import engine_of
from rules_world import DAY, Limits, rules_of, said, subject
from typer.testing import CliRunner

from suggester.cli import main
from suggester.codesets import Catalog
from suggester.config import Settings
from suggester.errors import ConfigError, InputError, NoReleaseError, RuleError, RuleFileError
from suggester.rules import (
    BUILT_IN,
    STAGES,
    Case,
    Diagnosis,
    EarlierService,
    Finding,
    Registry,
    Rules,
    Subject,
    rule,
    set_aside,
    standing_errors,
)
from suggester.rules.entry import read_codes
from suggester.rules.page import markdown
from suggester.rules.registry import GROUPS
from suggester.types import (
    ClaimDiagnosis,
    ClaimDraft,
    ClaimLine,
    Encounter,
    Flag,
    Note,
    Override,
    Patient,
)

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "guide" / "rules.md"
NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)


def ids(flags: tuple[Flag, ...]) -> list[str]:
    return [flag.rule_id for flag in flags]


def override(rule_id: str, *codes: str, reason: str = "unrelated, see note", at: datetime = NOON) -> Override:
    return Override(rule_id=rule_id, codes=codes, reason=reason, by="coder1", at=at)


# --- the list ---------------------------------------------------------------------------------------


def test_every_rule_says_what_it_catches_and_rests_on_something() -> None:
    assert len(BUILT_IN) >= 55
    for item in BUILT_IN:
        assert item.group in GROUPS
        assert item.title.endswith((".", ")")), item.id
        assert len(item.title) > 25
        assert item.source
        assert set(item.stages) <= set(STAGES)
        assert item.severity in ("error", "warning", "info")


def test_the_page_of_the_rules_is_made_from_them() -> None:
    """If not: suggester rules list --markdown > docs/guide/rules.md."""
    assert PAGE.read_text(encoding="utf-8") == markdown(BUILT_IN)
    for item in BUILT_IN:
        assert f"| `{item.id}` |" in PAGE.read_text(encoding="utf-8")


def test_the_file_that_the_page_shows_is_one_that_is_taken(catalog: Catalog, tmp_path: Path) -> None:
    file = tmp_path / "ours.py"
    file.write_text(
        PAGE.read_text(encoding="utf-8").split("```python\n")[1].split("```")[0], encoding="utf-8"
    )
    rules = Rules.open(Settings.load(store_dir=catalog.folder, rules_file=file), catalog=catalog)
    assert "site.obesity_bmi" in ids(rules.check(subject(catalog, "E66.9")))
    assert "site.obesity_bmi" not in ids(rules.check(subject(catalog, "E66.9 Z68.33")))


def test_a_rule_is_added_once_and_needs_a_docstring() -> None:
    mine = Registry()

    def check(case: Case) -> Iterator[Finding]:
        yield Finding("", ())

    with pytest.raises(ConfigError, match="has no docstring"):
        rule("mine", severity="info", source="s", group="g", into=mine)(check)
    check.__doc__ = "Catches all."
    rule("mine", severity="info", source="s", group="g", into=mine)(check)
    assert mine["mine"].title == "Catches all."
    with pytest.raises(ConfigError, match="'mine' is there already"):
        rule("mine", severity="info", source="s", group="g", into=mine)(check)


# --- switching off ----------------------------------------------------------------------------------


def test_rules_are_switched_off_by_name(catalog: Catalog) -> None:
    settings = Settings.load(store_dir=catalog.folder, rules_off="excludes1, combination.code")
    assert settings.rules_off == ("excludes1", "combination.code")
    rules = Rules.open(settings, catalog=catalog)
    found = ids(rules.check(subject(catalog, "E10.9 E11.9 I10 I50.9")))
    assert "excludes1" not in found
    assert "combination.code" not in found
    assert "excludes1" in ids(rules_of(catalog).check(subject(catalog, "E10.9 E11.9")))


def test_an_unknown_rule_is_refused_with_the_known_ones(catalog: Catalog) -> None:
    with pytest.raises(ConfigError, match=r"unknown rule 'excludes3'; known rules: .*excludes1, excludes2"):
        Rules(catalog=catalog, off=("excludes1", "excludes3"))
    with pytest.raises(ConfigError, match="unknown rule 'nope'"):
        BUILT_IN["nope"]


def test_what_is_switched_off_changes_the_hash_of_the_settings(tmp_path: Path) -> None:
    file = tmp_path / "a.py"
    file.write_text("rules = 1", encoding="utf-8")
    plain = Settings.load()
    hashes = {
        plain.result_hash(),
        Settings.load(rules_off=("excludes1",)).result_hash(),
        Settings.load(rules_file=file).result_hash(),
    }
    assert len(hashes) == 3


# --- setting aside ----------------------------------------------------------------------------------


def test_a_flag_that_was_set_aside_says_so_with_its_reason(catalog: Catalog) -> None:
    given = subject(catalog, "E10.9 E11.9")
    overrides = (override("excludes1", "E11.9", "E10.9"),)
    flags = rules_of(catalog).check(given, overrides)
    (flag,) = [flag for flag in flags if flag.rule_id == "excludes1"]
    assert flag.overridden == "unrelated, see note"
    assert flag not in standing_errors(flags)
    assert standing_errors(rules_of(catalog).check(given))


def test_an_override_holds_for_its_rule_and_codes_alone(catalog: Catalog) -> None:
    given = subject(catalog, "E10.9 E11.9")
    for other in (override("excludes1", "E10.9"), override("combination.code", "E10.9", "E11.9")):
        flags = rules_of(catalog).check(given, (other,))
        assert "excludes1" in ids(standing_errors(flags))


def test_the_newest_reason_counts() -> None:
    flag = Flag(rule_id="r", severity="error", message="m", codes=("A", "B"))
    later = override("r", "B", "A", reason="second", at=NOON.replace(hour=13))
    (found,) = set_aside([flag], (later, override("r", "A", "B", reason="first")))
    assert found.overridden == "second"


def test_some_flags_stand_whatever_the_reason(catalog: Catalog) -> None:
    given = subject(catalog, "E11")
    flags = rules_of(catalog).check(given, (override("validity.not_billable", "E11"),))
    assert "validity.not_billable" in ids(standing_errors(flags))


@pytest.mark.parametrize("name", ["rule_id", "reason", "by"])
def test_an_override_needs_a_reason_and_a_name(name: str) -> None:
    values = {"rule_id": "r", "codes": (), "reason": "because", "by": "me", "at": NOON, name: " "}
    with pytest.raises(ValueError, match=f"needs a {name}"):
        Override(**values)  # type: ignore[arg-type]


# --- a claim ----------------------------------------------------------------------------------------


def claim(**values: Any) -> ClaimDraft:
    encounter = Encounter(
        id="e1",
        patient=Patient(id="p1", sex="F", birth_date=date(1961, 5, 5)),
        setting="outpatient",
        service_from=DAY,
        service_to=DAY,
        place_of_service="11",
    )
    return ClaimDraft(
        **{
            "id": "c1",
            "encounter": encounter,
            "diagnoses": (
                ClaimDiagnosis(sequence=2, code="M25.561"),
                ClaimDiagnosis(sequence=1, code="M17.11"),
            ),
            "lines": (
                ClaimLine(
                    sequence=1,
                    system="CPT",
                    code="20610",
                    service_date=DAY,
                    charge=Decimal(120),
                    modifiers=("LT",),
                    pointers=(1,),
                ),
            ),
            **values,
        }
    )


def test_a_claim_is_checked_in_its_order_with_its_overrides(catalog: Catalog) -> None:
    rules = rules_of(catalog)
    flags = rules.check_claim(claim())
    assert "symptom.integral" in ids(flags)
    (side,) = [flag for flag in flags if flag.rule_id == "modifier.side"]
    assert side.codes == ("20610", "M17.11")
    kept = rules.check_claim(claim(overrides=(override("modifier.side", "20610", "M17.11"),)))
    assert not standing_errors(kept)
    assert ids(kept) == ids(flags)


def test_a_claim_knows_patient_words_and_earlier_services(catalog: Catalog) -> None:
    subject = Subject.of_claim(claim())
    assert (subject.sex, subject.age, subject.place_of_service) == ("F", 64, "11")
    assert [item.code for item in subject.diagnoses] == ["M17.11", "M25.561"]
    assert subject.services[0].pointers == (1,)
    rules = Rules(catalog=catalog, limits=Limits(days={"27447": "090"}))
    flags = rules.check_claim(
        claim(),
        diagnoses={"M17.11": said("M17.11", quote="right knee")},
        earlier=(EarlierService(code="27447", date=date(2026, 4, 20)),),
        supported=("M17.0",),
    )
    assert "global.period" in ids(flags)
    (side,) = [flag for flag in flags if flag.rule_id == "modifier.side"]
    assert side.codes == ("20610", "M17.11")


def test_an_inpatient_claim_goes_by_the_day_of_discharge() -> None:
    stay = replace(claim().encounter, setting="inpatient", service_to=date(2026, 5, 9))
    assert Subject.of_claim(claim(encounter=stay)).service_date == date(2026, 5, 9)


def test_an_encounter_does_not_end_before_it_begins() -> None:
    with pytest.raises(ValueError, match="ends 2026-05-03, before"):
        replace(claim().encounter, service_to=date(2026, 5, 3))


@pytest.mark.parametrize(
    ("birth", "age"),
    [
        (None, None),
        (date(2026, 5, 5), None),
        (date(2026, 5, 4), 0),
        (date(1961, 5, 5), 64),
        (date(1961, 5, 4), 65),
    ],
)
def test_age_is_in_completed_years(birth: date | None, age: int | None) -> None:
    given = Subject(stage="note", service_date=DAY)
    assert given.of_patient(Patient(birth_date=birth)).age == age
    assert given.of_patient(None) is given


def test_a_day_that_no_release_covers_is_refused(catalog: Catalog) -> None:
    with pytest.raises(NoReleaseError, match="no ICD-10-CM release covers 1999-01-01"):
        rules_of(catalog).check(subject(catalog, "E11.9", service_date=date(1999, 1, 1)))


def test_flags_come_errors_first_and_repeat(catalog: Catalog) -> None:
    given = subject(catalog, "W19.XXXA E10.9 E11.9 I10 I50.9 43239 43235")
    flags = rules_of(catalog).check(given)
    order = ["error", "warning", "info"]
    assert [order.index(flag.severity) for flag in flags] == sorted(order.index(f.severity) for f in flags)
    assert rules_of(catalog).check(given) == flags


def test_a_rule_that_fails_is_named_without_what_it_saw(catalog: Catalog) -> None:
    mine = Registry()

    @rule("mine", severity="info", source="s", group="g", into=mine)
    def check(case: Case) -> Iterator[Finding]:
        """Fails."""
        raise ValueError(case.subject.diagnoses[0].words)
        yield

    with pytest.raises(RuleError, match=r"^rule 'mine' failed \(ValueError\)$"):
        Rules(catalog=catalog, registry=mine).check(subject(catalog, "E11.9"))


# --- a site's own file --------------------------------------------------------------------------------

HEAD = "from suggester.rules import Case, Diagnosis, Finding, Registry, Subject, rule\n"
GOOD = '''rules = Registry()
@rule("site.one", severity="info", source="policy", group="Ours", into=rules)
def one(case):
    """Catches a first code."""
    if case.diagnoses:
        yield Finding("look", (case.diagnoses[0].code,))
examples = {"site.one": (Subject(stage="note", diagnoses=(Diagnosis(code="I10"),)), Subject(stage="note"))}
'''


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "there is no such Python file"),
        ("def (", r"it does not run \(SyntaxError at line 2\)"),
        ("1 / 0", r"it does not run \(ZeroDivisionError\)"),
        ("", "it has no registry 'rules'"),
        ("rules = Registry()", "it has no registry 'rules' with rules in it"),
        (GOOD.replace("examples =", "others ="), "it has no dictionary 'examples'"),
        (GOOD.replace('{"site.one"', '{"site.two"'), "examples for rules that it has not: site.two"),
        (GOOD.replace("site.one", "one"), "ids of a site begin with 'site.'"),
        (GOOD + "examples = {}", "'site.one' needs two examples"),
        (GOOD.replace("if case.diagnoses", "if not case.diagnoses"), "no flag on its first example"),
        (
            GOOD.replace("if case.diagnoses:", "if True:").replace("case.diagnoses[0].code", "'x'"),
            "a flag on its",
        ),
        (GOOD.replace("if case.diagnoses:", "if case.nothing:"), r"fails on its example \(AttributeError\)"),
    ],
)
def test_a_broken_file_is_refused_with_what_is_wrong(
    catalog: Catalog, tmp_path: Path, text: str | None, message: str
) -> None:
    file = tmp_path / "ours.py"
    if text is not None:
        file.write_text(HEAD + text, encoding="utf-8")
    settings = Settings.load(store_dir=catalog.folder, rules_file=file)
    with pytest.raises(RuleFileError, match=rf"^ours\.py: .*{message}"):
        Rules.open(settings, catalog=catalog)


def test_a_site_can_switch_off_its_own_rules_too(catalog: Catalog, tmp_path: Path) -> None:
    file = tmp_path / "ours.py"
    file.write_text(HEAD + GOOD, encoding="utf-8")
    settings = Settings.load(store_dir=catalog.folder, rules_file=file, rules_off=("site.one",))
    assert "site.one" not in Rules.open(settings, catalog=catalog).registry


# --- codes as typed -----------------------------------------------------------------------------------


def test_codes_are_read_as_they_are_typed(catalog: Catalog) -> None:
    diagnoses, services = read_codes(
        ["e11.9", "20610-lt-59", "J1885x2", "E0100", "E119", "0001U", "99213-25x3"],
        rules_of(catalog).knowledge(None),
    )
    assert [item.code for item in diagnoses] == ["E11.9", "E119"]
    assert [(s.system, s.code, s.modifiers, s.units, s.number) for s in services] == [
        ("CPT", "20610", ("LT", "59"), 1, 1),
        ("HCPCS", "J1885", (), 2, 2),
        ("HCPCS", "E0100", (), 1, 3),
        ("CPT", "0001U", (), 1, 4),
        ("CPT", "99213", ("25",), 3, 5),
    ]


@pytest.mark.parametrize("word", ["", "?", "12", "20610-", "E11.9 I10", "E11.9-25-X-Y-Z9999"])
def test_a_word_that_is_no_code_is_refused_by_its_place(catalog: Catalog, word: str) -> None:
    with pytest.raises(InputError, match=r"^code 2: not a code; write diagnoses as E11\.9"):
        read_codes(["I10", word], rules_of(catalog).knowledge(None))


# --- suggestions --------------------------------------------------------------------------------------


def test_flags_stand_beside_suggestions_and_on_the_note(catalog: Catalog) -> None:
    text = "Assessment:\n1. Type {} diabetes mellitus.\n2. Hypertension.\n"
    note, other = (
        Note(
            id="n1",
            text=text.format(kind),
            setting="outpatient",
            service_date=DAY,
            patient=Patient(sex="F"),
        )
        for kind in (2, 1)
    )
    engine = engine_of(catalog)
    given = {item.code.code: item for of in (other, note) for item in engine.suggest(of).suggestions}
    sure = tuple(replace(given[code], confidence=0.9, flags=()) for code in ("E10.9", "E11.9", "I10"))
    marked, raised = engine._checked(note, sure)
    (pair,) = [flag for flag in raised if flag.rule_id == "excludes1"]
    assert set(pair.codes) == {"E10.9", "E11.9"}
    assert {item.code.code for item in marked if pair in item.flags} == {"E10.9", "E11.9"}
    unlikely = tuple(replace(item, confidence=0.1) for item in sure)
    assert engine._checked(note, unlikely) == (unlikely, ())
    assert [item.code for item in marked] == [item.code for item in sure]


def test_the_words_behind_codes_are_read_for_the_rules(catalog: Catalog) -> None:
    note = Note(id="n1", text="Assessment: Pain in right knee.", setting="outpatient")
    engine = engine_of(catalog)
    (pain,) = [s for s in engine.suggest(note).suggestions if s.code.code == "M25.561"]
    known = engine.diagnoses(note, {"M25.562": pain.evidence})
    assert known["M25.562"].values("laterality") == {"right"}
    assert known["M25.562"].words
    (flag,) = [
        flag
        for flag in rules_of(catalog).check(
            Subject(stage="note", diagnoses=tuple(known.values()), service_date=DAY)
        )
        if flag.rule_id == "words.side"
    ]
    assert "use M25.561" in flag.message


# --- commands -----------------------------------------------------------------------------------------


@pytest.fixture
def run(catalog: Catalog, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("SUGGESTER_STORE_DIR", str(catalog.folder))
    return lambda *words: CliRunner().invoke(main, ["rules", *words])


def test_rules_list(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    everything = run("list")
    assert everything.exit_code == 0
    for item in BUILT_IN:
        assert item.id in everything.stdout
    assert run("list", "--markdown").stdout == PAGE.read_text(encoding="utf-8")
    monkeypatch.setenv("SUGGESTER_RULES_OFF", "excludes2")
    assert "excludes2" not in run("list").stdout
    monkeypatch.setenv("SUGGESTER_RULES_OFF", "excludes9")
    refused = run("list")
    assert refused.exit_code == 2
    assert "known rules" in refused.stderr


def test_rules_check_tells_by_its_exit_code(run: Any) -> None:
    clean = run("check", "R05.9", "--service-date", "2026-05-04")
    assert (clean.exit_code, clean.stdout) == (0, "no rule is broken\n")
    wrong = run(
        "check", "O80", "99213", "--sex", "M", "--age", "70", "--place", "21", "--setting", "inpatient"
    )
    assert wrong.exit_code == 1
    for rule_id in ("patient.age", "patient.sex", "place.visit"):
        assert f"[{rule_id}]" in " ".join(wrong.stdout.split())
    assert run("check", "E11", "--json").exit_code == 1
    assert run("check", "?").exit_code == 1
    assert run("check").exit_code == 2


def test_rules_check_in_json(run: Any) -> None:
    lines = [json.loads(line) for line in run("check", "E10.9", "E11.9", "--json").stdout.splitlines()]
    assert list(lines[0]) == ["rule", "severity", "message", "codes", "source", "overridable"]
    assert lines[0]["rule"] == "excludes1"


def test_rules_test(run: Any, tmp_path: Path) -> None:
    file = tmp_path / "ours.py"
    file.write_text(HEAD + GOOD, encoding="utf-8")
    done = run("test", str(file))
    assert done.exit_code == 0
    assert "1 rules, 2 examples" in done.stderr
    file.write_text("rules = 3", encoding="utf-8")
    refused = run("test", str(file))
    assert refused.exit_code == 2
    assert "ours.py: it has no registry" in refused.stderr


def test_diagnosis_of_evidence_keeps_the_reading() -> None:
    item = said("M17.11")
    assert item.values("laterality") == frozenset()
    assert Diagnosis(code="I10").words == ()
