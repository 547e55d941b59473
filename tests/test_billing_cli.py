"""``suggester export`` and ``suggester denials``, called as a person calls them."""

from __future__ import annotations

import json
import re
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from billing_world import EXAMPLE, ROOT, RUN, fees, profile
from typer.testing import CliRunner

import suggester.review
from suggester.billing.claim_json import claim_record
from suggester.billing.draft import draft_claim
from suggester.billing.export import Refusal
from suggester.billing.reviewed import coded_encounter, reviewed_claims
from suggester.cli import main
from suggester.errors import EncounterError, NotFoundError
from suggester.review.types import EncounterCodes, FinalCode, SavedClaim, SignedIn, Summary
from suggester.types import Note, Patient, Span, System

TEXT = "Hypertension and type 2 diabetes. ECG done."
WITH = ["--profile", str(EXAMPLE / "profile.toml"), "--fees", str(EXAMPLE / "fees.csv")]


def record(name: str = "e1", day: str = "2026-06-18", **values: Any) -> dict[str, Any]:
    """A coded encounter as JSON."""
    return {
        "id": name,
        "service_from": day,
        "setting": "outpatient",
        "patient": {"id": "patient-1", "sex": "M", "birth_date": "1961-03-02"},
        "notes": [{"id": "n1", "text": TEXT}],
        "run_id": "run-1",
        "codes": [
            {"system": "ICD-10-CM", "code": "I10", "decision_id": "d1"},
            {"system": "CPT", "code": "93000", "decision_id": "d2"},
        ],
        **values,
    }


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Three coded encounters, one of them not covered."""
    path = tmp_path / "coded.jsonl"
    rows = [record(), record("e2", "2026-06-19"), record("e3", "2026-06-20", patient={"id": "nobody"})]
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return path


def export(*words: str | Path) -> Any:
    """Call ``suggester export``."""
    return CliRunner().invoke(main, ["export", *map(str, words), *WITH])


@pytest.mark.parametrize("form", ["superbill", "837p", "fhir", "cms1500"])
def test_export_of_a_file_and_of_one_encounter(tmp_path: Path, source: Path, form: str) -> None:
    out = tmp_path / "out"
    result = export("--format", form, "-o", out, "--input", source, "--to", "2026-06-19")
    assert (result.exit_code, result.stdout) == (0, "")
    assert f"2 claims with 2 lines, 70.00 dollars, exported as {form}; 0 refused" in result.stderr
    again = export("--format", form, "-o", out, "--input", source, "--to", "2026-06-19")
    assert "0 files new or changed" in again.stderr
    one = export("e2", "--format", form, "-o", tmp_path / "one", "--input", source)
    assert "1 claims" in one.stderr
    assert (
        json.loads((tmp_path / "one" / f"control-{form}.json").read_text())["claims"][0]["encounter"] == "e2"
    )


def test_export_names_what_it_refuses(tmp_path: Path, source: Path) -> None:
    result = export("--format", "837p", "-o", tmp_path / "out", "--input", source, "--from", "2026-06-19")
    assert result.exit_code == 1
    assert "refused e3: [profile] coverage: there is no [[coverage]] for patient nobody" in result.stderr
    assert "1 claims" in result.stderr
    nothing = export("--format", "837p", "-o", tmp_path / "none", "--input", source, "--from", "2027-01-01")
    assert nothing.exit_code == 1


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["e1", "--from", "2026-06-01"], "not both"),
        (["--from", "2026-06-02", "--to", "2026-06-01"], "--to is before"),
        ([], "--input"),
        (["e1"], "--token-file"),
    ],
)
def test_export_called_wrongly_says_how(tmp_path: Path, words: list[str], message: str) -> None:
    result = export("--format", "837p", "-o", tmp_path, *words)
    assert result.exit_code == 2
    assert message in " ".join(result.stderr.replace("│", " ").split())


def test_export_with_a_damaged_profile_is_one_line(tmp_path: Path, source: Path) -> None:
    bad = tmp_path / "profile.toml"
    text = (EXAMPLE / "profile.toml").read_text(encoding="utf-8").replace("1234567893", "1234567890")
    bad.write_text(text, encoding="utf-8")
    words = ["export", "--format", "fhir", "-o", str(tmp_path / "out"), "--input", str(source)]
    result = CliRunner().invoke(main, [*words, "--profile", str(bad), "--fees", str(EXAMPLE / "fees.csv")])
    assert result.exit_code == 1
    assert result.stderr == "error: billing_provider.npi: has a wrong check digit; look the number up again\n"
    assert not (tmp_path / "out").exists()


def test_examples_of_the_guide_are_exported(tmp_path: Path) -> None:
    result = export("--format", "837p", "-o", tmp_path, "--input", EXAMPLE / "encounters.jsonl")
    assert result.exit_code == 0, result.stderr
    assert "2 claims with 4 lines, 385.00 dollars" in result.stderr


def test_guide_names_every_check_of_billing() -> None:
    source = (ROOT / "suggester" / "billing" / "checks.py").read_text(encoding="utf-8")
    made = set(re.findall(r'_(?:error|warning)\(\s*"([a-z-]+)"', source))
    made |= {
        f"{kind}-{what}"
        for what in re.findall(r'f"\{kind\}-([a-z-]+)"', source)
        for kind in ("diagnosis", "procedure")
    }
    guide = (ROOT / "docs" / "guide" / "billing.md").read_text(encoding="utf-8")
    assert len(made) > 30
    assert set(re.findall(r"`billing\.([a-z-]+)`", guide)) == made


def test_denials_by_rule(tmp_path: Path, source: Path) -> None:
    out = tmp_path / "out"
    export("--format", "837p", "-o", out, "--input", source)
    table = tmp_path / "denials.csv"
    table.write_text("claim,line,code,reason,amount\ne1,e1-1,93000,CO-50,35.00\nx,,,29,1\n", encoding="utf-8")
    shown = CliRunner().invoke(main, ["denials", str(table), "--claims", str(out)])
    assert shown.exit_code == 0
    assert "2 denials: 0 foreseen by a rule" in shown.stdout
    assert "no rule foresaw 50 (not held to be medically necessary): 1" in shown.stdout
    as_json = CliRunner().invoke(main, ["denials", str(table), "--claims", str(out), "--json"])
    assert [item["outcome"] for item in json.loads(as_json.stdout)["denials"]] == ["unforeseen", "unlinked"]


def test_denials_with_flags_show_the_rules(tmp_path: Path) -> None:
    source = tmp_path / "coded.json"
    names = (
        "I10",
        "E11.9",
        "E78.5",
        "M10.9",
        "K21.9",
        "J45.909",
        "F41.1",
        "L40.0",
        "N40.0",
        "G43.909",
        "D50.9",
    )
    names += ("B35.1", "H61.22")
    codes = [{"system": "ICD-10-CM", "code": code} for code in names]
    coded = record(codes=[*codes, {"system": "CPT", "code": "93000"}])
    source.write_text(json.dumps(coded), encoding="utf-8")
    out = tmp_path / "out"
    export("--format", "superbill", "-o", out, "--input", source)
    table = tmp_path / "denials.csv"
    table.write_text("claim,reason\ne1,16\ne1,29\n", encoding="utf-8")
    shown = CliRunner().invoke(main, ["denials", str(table), "--claims", str(out)]).stdout
    assert "billing.diagnoses-left-out" in shown
    assert "denials foreseen" in shown
    assert "no; flagged by" in shown


# --- from the review store ----------------------------------------------------------------------------


def note(name: str = "n1", day: date | None = date(2026, 6, 18), patient: str = "patient-1") -> Note:
    """A finished note."""
    who = Patient(id=patient, sex="M", birth_date=date(1961, 3, 2))
    return Note(id=name, text=TEXT, service_date=day, setting="outpatient", patient=who)


def final(position: int, system: System, code: str, *spans: tuple[int, int]) -> FinalCode:
    """A code of a summary."""
    return FinalCode(
        position=position,
        system=system,
        code=code,
        display="",
        row_id=f"r{position}",
        decision_id=f"d-{code}",
        reviewer="Coder One",
        evidence=tuple(Span(start=start, end=end) for start, end in spans),
    )


def summary(name: str, *codes: FinalCode) -> Summary:
    """The summary of a finished note."""
    return Summary(
        note_id=f"id-{name}",
        name=name,
        encounter_id="e1",
        service_date=None,
        status="finished",
        version=1,
        codes=codes,
        flags=(),
        standing=(),
        overrides=(),
        pending=0,
        run=RUN,
        finished_by="Coder One",
        finished_at=datetime(2026, 6, 19, tzinfo=UTC),
    )


def found(
    *, notes: tuple[Note, ...] = (), open_notes: tuple[str, ...] = (), empty: bool = False
) -> EncounterCodes:
    """The codes of an encounter with two notes."""
    codes = (
        final(1, "ICD-10-CM", "I10", (0, 12)),
        final(2, "ICD-10-CM", "E11.9", (17, 32)),
        final(3, "CPT", "93000", (34, 42)),
    )
    summaries = (summary("n1"),) if empty else (summary("n1", *codes), summary("n2", codes[0], codes[2]))
    return EncounterCodes(
        encounter_id="e1",
        notes=notes or (note(), note("n2", date(2026, 6, 19))),
        summaries=summaries,
        open_notes=open_notes,
    )


def test_reviewed_encounter_joins_its_notes() -> None:
    coded = coded_encounter(found())
    assert [(code.code, code.service_date) for code in coded.codes] == [
        ("I10", date(2026, 6, 18)),
        ("E11.9", date(2026, 6, 18)),
        ("93000", date(2026, 6, 18)),
        ("93000", date(2026, 6, 19)),
    ]
    assert [words.note_id for words in coded.codes[0].evidence] == ["n1", "n2"]
    assert coded.codes[0].evidence[0].quote == "Hypertension"
    assert (coded.encounter.service_from, coded.encounter.service_to) == (
        date(2026, 6, 18),
        date(2026, 6, 19),
    )
    assert coded.codes[0].decided_by == "Coder One"


@pytest.mark.parametrize(
    ("codes", "words"),
    [
        (found(open_notes=("n3",)), "1 of its notes are not finished"),
        (found(notes=(note(day=None),)), "date of service"),
        (found(notes=(note(), note("n2", patient="patient-2"))), "two patients"),
        (found(empty=True), "no accepted codes"),
    ],
)
def test_reviewed_encounter_that_is_not_ready_says_why(codes: EncounterCodes, words: str) -> None:
    with pytest.raises(EncounterError, match=words):
        coded_encounter(codes)


class Service:
    """As much of the review service as an export asks for."""

    def __init__(self) -> None:
        self.recorded: list[tuple[str, str, str]] = []
        self.saved: dict[str, Any] | None = None
        self.closed = False

    def sign_in(self, name: str, password: str) -> SignedIn:
        assert (name, password) == ("coder", "secret")
        actor: Any = None
        return SignedIn(token="t", actor=actor, expires_at=datetime(2027, 1, 1, tzinfo=UTC), idle_seconds=900)  # noqa: S106

    def sign_out(self, token: str) -> None:
        assert token == "t"  # noqa: S105

    def close(self) -> None:
        self.closed = True

    def encounters(self, token: str, *, since: date | None, until: date | None) -> tuple[str, ...]:
        assert (token, since, until) == ("t", date(2026, 6, 1), None)
        return ("e1", "gone", "open")

    def encounter_codes(self, token: str, encounter_id: str) -> EncounterCodes:
        if encounter_id == "gone":
            raise NotFoundError("there is no such encounter")
        return found(open_notes=("n9",) if encounter_id == "open" else ())

    def claim(self, token: str, encounter_id: str) -> SavedClaim | None:
        if self.saved is None or encounter_id != "e1":
            return None
        return SavedClaim(
            encounter_id="e1",
            version=1,
            record=self.saved,
            saved_by="c",
            saved_at=datetime(2026, 6, 19, tzinfo=UTC),
        )

    def record_export(self, token: str, encounter_id: str, *, format: str, sha256: str) -> None:
        self.recorded.append((encounter_id, format, sha256))


def test_export_from_the_review_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    service = Service()
    monkeypatch.setattr(suggester.review, "open_review", lambda settings: service)
    words = ["export", "--format", "837p", "-o", str(tmp_path / "out"), "--from", "2026-06-01", *WITH]
    result = CliRunner().invoke(main, [*words, "--user", "coder"], input="secret\n")
    assert result.exit_code == 1
    assert "refused gone: [not_found]" in result.stderr
    assert "refused open: [encounter] open_notes: 1 of its notes are not finished yet" in result.stderr
    assert [(name, form) for name, form, _ in service.recorded] == [("e1", "837p")]
    assert service.closed
    token = tmp_path / "token"
    token.write_text("t\n", encoding="utf-8")
    other = [
        "export",
        "e1",
        "--format",
        "cms1500",
        "-o",
        str(tmp_path / "out"),
        *WITH,
        "--token-file",
        str(token),
    ]
    assert CliRunner().invoke(main, other).exit_code == 0


def test_saved_claim_goes_before_a_fresh_draft() -> None:
    service: Any = Service()
    made = draft_claim(coded_encounter(found()), profile=profile(), fees=fees())
    service.saved = claim_record(made)
    service.saved["lines"][0]["modifiers"] = ["59"]
    [claim] = reviewed_claims(service, "t", ["e1"], profile=profile(), fees=fees())
    assert not isinstance(claim, Refusal)
    assert claim.draft.lines[0].modifiers == ("59",)
    service.saved["total"] = "1.00"
    [refused] = reviewed_claims(service, "t", ["e1"], profile=profile(), fees=fees())
    assert isinstance(refused, Refusal)
    assert refused.reason == "claim_file"
