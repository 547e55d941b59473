"""The parts that claims are made of: NPI, fee schedule, profile, coded encounters."""

from __future__ import annotations

import json
import pickle
import tomllib
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from billing_world import EXAMPLE, fees, profile
from hypothesis import given
from hypothesis import strategies as st

from suggester.billing.encounter import CodedEncounter, read_encounter, read_encounters
from suggester.billing.fees import load_fees
from suggester.billing.npi import npi_problem, npi_with_check_digit
from suggester.billing.profile import Profile, load_profile, read_model
from suggester.errors import BillingError, EncounterError, FeeScheduleError, ProfileError


@given(st.integers(min_value=100_000_000, max_value=299_999_999))
def test_npi_check_digit_is_the_luhn_digit_over_80840(first_nine: int) -> None:
    npi = npi_with_check_digit(str(first_nine))
    digits = [int(digit) for digit in f"80840{npi}"][::-1]
    doubled = [sum(divmod(2 * digit, 10)) if place % 2 else digit for place, digit in enumerate(digits)]
    assert sum(doubled) % 10 == 0
    assert npi_problem(npi) is None
    wrong = npi[:9] + str((int(npi[9]) + 1) % 10)
    assert npi_problem(wrong) is not None


@pytest.mark.parametrize(
    "value", ["", "123456789", "12345678933", "3234567893", "123456789X", "１２３４５６７８９３"]
)
def test_npi_of_another_shape_is_refused(value: str) -> None:
    assert npi_problem(value) == "must be ten digits, the first 1 or 2"


def test_npi_with_check_digit_needs_nine_digits() -> None:
    with pytest.raises(ValueError, match="nine digits"):
        npi_with_check_digit("12345678")


def test_fee_is_of_modifier_and_day() -> None:
    schedule = fees()
    assert schedule.fee("74300", ("26",), date(2026, 1, 1)).charge == Decimal(45)  # type: ignore[union-attr]
    assert schedule.fee("74300", (), date(2026, 1, 1)).charge != Decimal(45)  # type: ignore[union-attr]
    assert schedule.fee("99213", (), date(2025, 12, 31)).charge == Decimal(120)  # type: ignore[union-attr]
    assert schedule.fee("99213", (), date(2026, 1, 1)).charge == Decimal(125)  # type: ignore[union-attr]
    assert schedule.fee("00000", (), date(2026, 1, 1)) is None
    assert len(schedule) > 100


@pytest.mark.parametrize(
    ("text", "field", "words"),
    [
        ("code,charge\n=cmd|' /C calc'!A0,5\n", ":2:code", "CPT or HCPCS"),
        ("code,charge\n99213,-5\n", ":2:charge", "not negative"),
        ("code,charge\n99213,1e3\n", ":2:charge", "dollars"),
        ("code,charge\n99213,5.001\n", ":2:charge", "dollars"),
        ("code,charge\n99213\n", ":2", "cells"),
        ("code,price\n99213,5\n", ":1", "no column charge"),
        ("code,charge,charge\n99213,5,6\n", ":1", "each column once"),
        ("code,charge,modifier\n99213,5,ABC\n", ":2:modifier", "two letters"),
        ("code,charge,effective_from\n99213,5,2026-02-30\n", ":2:effective_from", "YYYY-MM-DD"),
        (
            "code,charge,effective_from,effective_to\n99213,5,2026-02-01,2026-01-01\n",
            ":2:effective_to",
            "before",
        ),
        ("code,charge\n99213,5\n\n99213,6\n", ":4:charge", "line 2"),
        ('code,charge\n"99213,5\n', ":2", "not CSV"),
        ("", ":1", "no column code"),
    ],
)
def test_fee_schedule_names_the_cell_at_fault(tmp_path: Path, text: str, field: str, words: str) -> None:
    path = tmp_path / "fees.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(FeeScheduleError, match=words) as caught:
        load_fees(path)
    assert caught.value.field == f"fees.csv{field}"
    assert "cmd" not in str(caught.value)


def test_fee_schedule_that_is_not_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "fees.csv"
    path.write_bytes(b"code,charge\n\xff,5\n")
    with pytest.raises(FeeScheduleError, match="UTF-8"):
        load_fees(path)


def _example() -> dict[str, Any]:
    return tomllib.loads((EXAMPLE / "profile.toml").read_text(encoding="utf-8"))


def _damaged(path: tuple[Any, ...], value: object) -> dict[str, Any]:
    values = _example()
    inside: Any = values
    for step in path[:-1]:
        inside = inside[step]
    if value is None:
        del inside[path[-1]]
    else:
        inside[path[-1]] = value
    return values


@pytest.mark.parametrize(
    ("path", "value", "field", "words"),
    [
        (("payer",), None, "payer", "missing"),
        (("billing_provider",), None, "billing_provider", "missing"),
        (("billing_provider", "npi"), None, "billing_provider.npi", "missing"),
        (("billing_provider", "npi"), "1234567890", "billing_provider.npi", "check digit"),
        (("rendering_provider", "npi"), "1000000005", "rendering_provider.npi", "check digit"),
        (("billing_provider", "name"), "=cmd|' /C calc'!A0", "billing_provider.name", "formula"),
        (("billing_provider", "name"), "TWO\nLINES", "billing_provider.name", "control"),
        (("billing_provider", "name"), " SPACE", "billing_provider.name", "white space"),
        (("billing_provider", "tax_id"), "12-3456789", "billing_provider.tax_id", "pattern"),
        (("billing_provider", "address", "zip"), "43000", "billing_provider.address", "nine digits"),
        (("submitter", "phone"), "call us", "submitter.phone", "pattern"),
        (("submitter", "colour"), "red", "submitter.colour", "not a field"),
        (("payer", "words of\na note"), "red", "payer.(an odd name)", "not a field"),
        (("usage",), "X", "usage", "'T' or 'P'"),
        (("coverage", 0, "member_id"), "A*B", "coverage[0].member_id", "pattern"),
        (("coverage", 1, "patient"), None, "coverage[1]", "not 18"),
        (("coverage", 1, "patient_id"), "patient-1", "", "twice"),
    ],
)
def test_profile_names_the_field_at_fault(
    path: tuple[Any, ...], value: object, field: str, words: str
) -> None:
    with pytest.raises(ProfileError, match=words) as caught:
        read_model(Profile, _damaged(path, value), error=ProfileError)
    assert caught.value.field == field
    assert "calc" not in str(caught.value)
    assert "1234567890" not in str(caught.value)


def test_profile_file_must_be_toml(tmp_path: Path) -> None:
    path = tmp_path / "profile.toml"
    path.write_text("usage = \n", encoding="utf-8")
    with pytest.raises(ProfileError, match="line 1"):
        load_profile(path)
    path.write_bytes(b"\xff")
    with pytest.raises(ProfileError, match="UTF-8"):
        load_profile(path)


def test_profile_knows_whom_it_covers() -> None:
    assert profile().coverage_of("patient-2").insured_person.first_name == "JO"
    for unknown in ("patient-9", None):
        with pytest.raises(ProfileError, match="coverage"):
            profile().coverage_of(unknown)


def test_billing_errors_survive_pickling() -> None:
    error = pickle.loads(pickle.dumps(ProfileError("is missing", field="payer")))  # noqa: S301  # our own bytes
    assert (type(error), error.field, error.message) == (ProfileError, "payer", "is missing")
    assert str(BillingError("is wrong")) == "is wrong"


def _record(**values: object) -> dict[str, Any]:
    record: dict[str, Any] = {
        "id": "e1",
        "service_from": "2026-05-14",
        "setting": "outpatient",
        "patient": {"id": "patient-1", "sex": "M", "birth_date": "1961-03-02"},
        "notes": [{"id": "n1", "text": "Hypertension, ECG done."}],
        "run": {"version": "0.1.0", "model": "general 1", "codesets": {"ICD-10-CM": "2026-04-01"}},
        "codes": [
            {
                "system": "ICD-10-CM",
                "code": "I10",
                "decision_id": "d1",
                "decided_at": "2026-05-15T10:00:00+00:00",
                "evidence": [{"start": 0, "end": 12, "text": "Hypertension"}],
            },
            {"system": "CPT", "code": "93000", "charge": "30.00", "units": 1, "modifiers": ["59"]},
        ],
    }
    record.update(values)
    return {name: value for name, value in record.items() if value is not None}


def test_encounter_is_read_whole() -> None:
    coded = read_encounter(
        _record(
            overrides=[
                {
                    "rule_id": "r",
                    "codes": ["I10"],
                    "reason": "seen",
                    "by": "c1",
                    "at": "2026-05-15T10:00:00+00:00",
                }
            ],
            coverage=_example()["coverage"][0],
            sequenced=False,
        ),
        record="e.jsonl:1",
    )
    assert coded.encounter.service_to == date(2026, 5, 14)
    assert coded.codes[0].evidence[0].note_id == "n1"
    assert coded.codes[1].charge == Decimal("30.00")
    assert coded.overrides[0].reason == "seen"
    assert coded.coverage is not None
    assert not coded.sequenced
    assert coded.run is not None


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"service_from": None}, "service_from"),
        ({"service_to": "2026-05-13"}, "before service_from"),
        ({"codes": []}, "accepted codes"),
        ({"colour": "red"}, "unknown field"),
        ({"patient": None}, "patient"),
        ({"sequenced": "yes"}, "sequenced"),
        ({"run": {"version": "1", "model": "m", "codesets": []}}, "codesets"),
        ({"frequency": "9"}, "frequency"),
        ({"original_reference": "\ud800"}, "lone surrogate"),
        ({"codes": [{"system": "CPT", "code": "93000", "units": 1.5}]}, "whole number"),
        ({"codes": [{"system": "CPT", "code": "93000", "charge": "1.234"}]}, "dollars"),
        ({"codes": [{"system": "CPT", "code": "93000", "decided_at": "2026-05-15"}]}, "offset"),
        ({"codes": [{"system": "CPT", "code": "93000", "decided_at": "noon"}]}, "ISO 8601"),
        ({"codes": [{"system": "CPT", "code": "93000", "evidence": ["x"]}]}, "must be an object"),
        ({"codes": [{"system": "CPT", "code": "93000", "evidence": [{"start": 0}]}]}, "evidence"),
        (
            {"codes": [{"system": "CPT", "code": "93000", "evidence": [{"start": 5, "end": 1, "text": ""}]}]},
            "before start",
        ),
        (
            {
                "codes": [
                    {"system": "CPT", "code": "93000", "evidence": [{"start": 0, "end": 1, "text": "X"}]}
                ]
            },
            "not what the note says",
        ),
        (
            {
                "codes": [
                    {
                        "system": "CPT",
                        "code": "93000",
                        "evidence": [{"note_id": "n2", "start": 0, "end": 1, "text": "H"}],
                    }
                ]
            },
            "not one of the notes",
        ),
        ({"overrides": [{"rule_id": "r", "reason": " ", "by": "c", "at": "2026-05-15T10:00:00Z"}]}, "empty"),
        ({"coverage": {"patient_id": "p"}}, "missing"),
    ],
)
def test_encounter_names_the_field_at_fault(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(EncounterError, match=words) as caught:
        read_encounter(_record(**changes), record="e.jsonl:1")
    assert caught.value.field.startswith("e.jsonl:1")
    assert "Hypertension" not in str(caught.value)


def test_encounters_of_a_file_fail_one_by_one(tmp_path: Path) -> None:
    path = tmp_path / "e.jsonl"
    rows = [json.dumps(_record()), "{", "", json.dumps(_record(id="e2")), json.dumps(_record())]
    path.write_text("\n".join(rows), encoding="utf-8")
    found = list(read_encounters(path))
    assert [type(item) for item in found] == [CodedEncounter, EncounterError, CodedEncounter, EncounterError]
    path.write_text(json.dumps([_record(), {"id": 1}]), encoding="utf-8")
    assert [type(item) for item in read_encounters(path)] == [CodedEncounter, EncounterError]
    path.write_text(json.dumps(_record(), indent=1), encoding="utf-8")
    assert [type(item) for item in read_encounters(path)] == [CodedEncounter]
    path.write_bytes(b"\xff")
    with pytest.raises(EncounterError, match="UTF-8"):
        list(read_encounters(path))
