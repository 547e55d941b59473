"""Denials: an 835 and a CSV read, linked to lines, set beside what the rules had said."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from billing_world import accepted, claim, encounter, visit

from suggester.billing.claim import Claim
from suggester.billing.denials import DenialReport, compare, load_claims, reasons
from suggester.billing.export import export_claims
from suggester.billing.remittance import read_remittance
from suggester.errors import RemittanceError
from suggester.rules import BUILT_IN
from suggester.types import Flag, Override

EMPTY = " " * 10
ISA = f"ISA*00*{EMPTY}*00*{EMPTY}*ZZ*{'PAYER':<15}*ZZ*{'CLINIC':<15}*260701*0900*^*00501*000000001*0*T*:"
HEAD = f"""{ISA}
GS*HP*PAYER*CLINIC*20260701*0900*1*X*005010X221A1
ST*835*0001
BPR*I*35*C*NON************20260701
TRN*1*1*1000000000
N1*PR*EXAMPLE HEALTH PLAN
N1*PE*EXAMPLE CLINIC*XX*1234567893
LX*1"""
BODY = """CLP*enc-1*1*285*35*0*12*PAYER1
NM1*QC*1*SAMPLE*ALEX
SVC*HC:99214:25*180*0**1
DTM*472*20260618
CAS*CO*97*180
REF*6R*enc-1-1
LQ*HE*N19
SVC*HC:93000*35*35**1
REF*6R*enc-1-2
SVC*HC:J1885*70*0**2
CAS*PR*1*20**45*10
CAS*CO*50*40
CLP*other*4*99*0**12*PAYER2
CAS*CO*29*99"""


def remittance(tmp_path: Path, body: str = BODY, head: str = HEAD) -> Path:
    """An 835 with right counts."""
    segments = [*head.splitlines(), *body.splitlines()]
    count = len(segments) - 2 + 1
    segments += [f"SE*{count}*0001", "GE*1*1", "IEA*1*000000001"]
    path = tmp_path / "answer.835"
    path.write_text("".join(f"{segment}~\n" for segment in segments), encoding="ascii")
    return path


def table(tmp_path: Path, text: str) -> Path:
    """A CSV of denials."""
    path = tmp_path / "denials.csv"
    path.write_text(text, encoding="utf-8")
    return path


def flagged() -> Claim:
    """The claim of a visit with three flags: one set aside, one warning, one about nothing that is denied."""
    flags = (
        Flag(
            rule_id="ncci.modifier",
            severity="error",
            message="x",
            codes=("99214", "93000"),
            overridden="agreed",
        ),
        Flag(rule_id="specificity.side", severity="warning", message="x", codes=("E11.9",)),
        Flag(rule_id="units.unlikely", severity="warning", message="lines[3].units: x"),
        Flag(rule_id="sequence.code_also", severity="info", message="x", codes=("I10",)),
    )
    made = claim()
    return replace(made, draft=replace(made.draft, flags=flags))


def outcomes(report: DenialReport) -> list[tuple[str, int, str, str]]:
    """Claim, line, reason and outcome of each denial."""
    return [(item.claim, item.line, item.reason, item.outcome) for item in report.denials]


def test_835_is_read_and_linked(tmp_path: Path) -> None:
    report = compare(read_remittance(remittance(tmp_path)), [flagged()])
    assert outcomes(report) == [
        ("enc-1", 1, "97", "foreseen"),
        ("enc-1", 3, "50", "flagged"),
        ("other", 0, "29", "unlinked"),
    ]
    assert report.denials[0].foreseen_by == ("ncci.modifier",)
    assert report.denials[0].flagged_by == ("sequence.code_also", "specificity.side")
    assert report.denials[0].remarks == ("N19",)
    assert report.denials[1].amount == Decimal(40)
    rows = {row.rule_id: (row.foreseen, row.set_aside, row.no_denial) for row in report.rules}
    assert rows == {"ncci.modifier": (1, 1, 0), "specificity.side": (0, 0, 1), "units.unlikely": (0, 0, 1)}
    assert report.unforeseen_reasons() == (("50", "not held to be medically necessary", 1),)
    assert report.count("unlinked") == 1
    record = report.record()
    assert record["denials"][0]["foreseen_by"] == ["ncci.modifier"]
    assert record["unforeseen"][0]["denials"] == 1


def test_claim_that_is_denied_whole_is_foreseen_by_any_flag(tmp_path: Path) -> None:
    path = table(tmp_path, "claim,reason\nenc-1,CO-151\nenc-1,OA 999\n")
    report = compare(read_remittance(path), [flagged()])
    assert outcomes(report) == [("enc-1", 0, "151", "foreseen"), ("enc-1", 0, "999", "flagged")]
    assert [denial.group for denial in report.denials] == ["CO", "OA"]


def test_lines_are_found_by_code_modifier_and_charge(tmp_path: Path) -> None:
    coded = encounter(
        accepted("ICD-10-CM", "I10"),
        accepted("CPT", "93000", modifiers=("59",)),
        accepted("CPT", "93000", modifiers=("76",)),
        accepted("CPT", "93000", modifiers=("76",), units=2),
    )
    made = claim(coded)
    cells = [",93000 59", ",93000", "3,", ",J1885", "9,"]
    rows = "claim,line,code,reason\n" + "".join(f"enc-1,{cell},18\n" for cell in cells)
    report = compare(read_remittance(table(tmp_path, rows)), [made])
    assert [(denial.line, denial.outcome) for denial in report.denials] == [
        (1, "unforeseen"),
        (0, "unlinked"),
        (3, "unforeseen"),
        (0, "unlinked"),
        (0, "unlinked"),
    ]
    body = "CLP*enc-1*4*140*0**12*P\nSVC*HC:93000:76*70*0**2\nCAS*CO*18*70"
    answer = compare(read_remittance(remittance(tmp_path, body)), [made])
    assert outcomes(answer) == [("enc-1", 3, "18", "unforeseen")]


def test_unknown_reason_denies_only_what_was_not_paid(tmp_path: Path) -> None:
    paid = "CLP*enc-1*1*285*250**12*P\nSVC*HC:93000*35*30**1\nCAS*CO*299*5\n"
    body = f"{paid}SVC*HC:99214:25*180*0**1\nCAS*CO*299*180"
    report = compare(read_remittance(remittance(tmp_path, body)), [claim()])
    assert [(denial.code, denial.words) for denial in report.denials] == [("99214", "")]


def test_paid_claims_show_flags_that_came_to_nothing(tmp_path: Path) -> None:
    body = "CLP*enc-1*1*285*285**12*P\nSVC*HC:93000*35*35**1"
    report = compare(read_remittance(remittance(tmp_path, body)), [flagged()])
    assert report.denials == ()
    assert [(row.rule_id, row.no_denial) for row in report.rules] == [
        ("ncci.modifier", 1),
        ("specificity.side", 1),
        ("units.unlikely", 1),
    ]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("CLP*enc-1*1*much*0**12*P", "CLP03"),
        ("CLP*enc-1*1*1*0**12*P\nSVC*HC:93000*35*35**1\nCAS*CO*18*x", "CAS03"),
    ],
)
def test_835_names_the_element_at_fault(tmp_path: Path, body: str, words: str) -> None:
    with pytest.raises(RemittanceError, match=words):
        read_remittance(remittance(tmp_path, body))


def test_835_of_another_kind_or_cut_off_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RemittanceError, match="another transaction"):
        read_remittance(remittance(tmp_path, head=HEAD.replace("ST*835", "ST*837")))
    path = remittance(tmp_path)
    text = path.read_text()
    path.write_text(text.split("IEA")[0])
    with pytest.raises(RemittanceError, match="cut off"):
        read_remittance(path)
    path.write_text(text.replace("GS*HP", "IEA*1*000000001~IEA*HP"))
    with pytest.raises(RemittanceError, match="envelope is damaged"):
        read_remittance(path)
    path.write_text("ISA*not really an interchange")
    with pytest.raises(RemittanceError, match="not an X12 file"):
        read_remittance(path)
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(RemittanceError, match="neither"):
        read_remittance(path)


@pytest.mark.parametrize(
    ("text", "field", "words"),
    [
        ("claim,code\n", ":1", "columns"),
        ("claim,reason,colour\n", ":1", "columns"),
        ("claim,reason\n,97\n", ":2:claim", "empty"),
        ("claim,reason\ne,=cmd\n", ":2:reason", "97 or CO-97"),
        ("claim,reason,group\ne,97,XX\n", ":2:group", "one of CO"),
        ("claim,reason,amount\ne,97,1e9\n", ":2:amount", "dollars"),
        ("claim,reason\ne\n", ":2", "cells"),
        ('claim,reason\n"e\n', ":2", "not CSV"),
    ],
)
def test_csv_names_the_cell_at_fault(tmp_path: Path, text: str, field: str, words: str) -> None:
    with pytest.raises(RemittanceError, match=words) as caught:
        read_remittance(table(tmp_path, text))
    assert caught.value.field == f"denials.csv{field}"


def test_csv_with_everything(tmp_path: Path) -> None:
    path = table(
        tmp_path, "claim,line,code,group,reason,remarks,amount\n\nenc-1,enc-1-2,93000,co,97,n19 m15,35.00\n"
    )
    service = read_remittance(path).services[0]
    assert (service.remarks, service.adjustments[0].amount) == (("N19", "M15"), Decimal("35.00"))
    assert service.adjustments[0].group == "CO"


def test_exported_claims_are_found_again(tmp_path: Path) -> None:
    made = claim(
        visit(
            overrides=(
                Override(rule_id="r", codes=(), reason="so", by="c", at=datetime(2026, 6, 21, tzinfo=UTC)),
            )
        )
    )
    export_claims([made], form="cms1500", folder=tmp_path / "out")
    assert load_claims(tmp_path / "out") == (made,)
    with pytest.raises(RemittanceError, match="no exported claims"):
        load_claims(tmp_path)


def test_every_reason_speaks_of_rules_that_exist() -> None:
    rules = {rule.id for rule in BUILT_IN}
    for reason in reasons().values():
        assert reason.words
        for pattern in reason.rules:
            if not pattern.startswith("billing."):
                assert any(reason.foreseen_by(rule) for rule in rules), (reason.code, pattern)
