from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_batch_fakes import CANARY, RUN, FakeEngine

from suggester.contract import (
    gold_from_record,
    note_from_record,
    suggestions_from_record,
    suggestions_to_record,
    to_json_line,
)
from suggester.errors import FieldError
from suggester.types import (
    SYSTEMS,
    Assertion,
    Code,
    Evidence,
    Flag,
    GoldCode,
    NotCoded,
    Note,
    Patient,
    ProposedModifier,
    Run,
    Span,
    Suggestion,
    Suggestions,
)

SCHEMA = json.loads(
    (Path(__file__).parent.parent / "docs" / "schema" / "suggestions.schema.json").read_text(encoding="utf-8")
)
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


# --- notes ------------------------------------------------------------------------------------------


def test_note_with_all_fields() -> None:
    record = {
        "id": "n1",
        "text": "Cough.\r\n",
        "encounter_id": "e1",
        "service_date": "2026-05-04",
        "setting": "outpatient",
        "kind": "office visit",
        "patient": {"id": "p1", "sex": "F", "birth_date": "1950-02-28"},
    }
    assert note_from_record(record, record="f:1", source="f:1") == Note(
        id="n1",
        text="Cough.\r\n",
        encounter_id="e1",
        service_date=date(2026, 5, 4),
        setting="outpatient",
        kind="office visit",
        patient=Patient(id="p1", sex="F", birth_date=date(1950, 2, 28)),
        source="f:1",
    )


def test_null_is_absent() -> None:
    record = {"id": "n1", "text": "x", "patient": {"sex": None}, "service_date": None, "setting": None}
    assert note_from_record(record, record="r") == Note(id="n1", text="x", patient=Patient())


WRONG_NOTES = [
    ({"text": "x"}, "field 'id' is missing"),
    ({"id": "n1"}, "field 'text' is missing"),
    ({"id": 7, "text": "x"}, "field 'id' must be a string, not a number"),
    ({"id": " ", "text": "x"}, "field 'id' must not be empty"),
    ({"id": "a\nb", "text": "x"}, "field 'id' must not hold control characters"),
    ({"id": "\ud800", "text": "x"}, "lone surrogates"),
    ({"id": "i" * 201, "text": "x"}, "field 'id' must be 200 characters or less"),
    ({"id": "n1", "text": ["x"]}, "field 'text' must be a string, not a list"),
    ({"id": "n1", "text": "x", "colour": 1}, "unknown field 'colour'; allowed: encounter_id, id, kind"),
    ({"id": "n1", "text": "x", f"he said {CANARY}": 1}, "unknown field with an odd name"),
    ({"id": "n1", "text": "x", "codes": []}, "unknown field 'codes'"),
    ({"id": "n1", "text": "x", "service_date": "04/05/2026"}, "calendar date written YYYY-MM-DD"),
    ({"id": "n1", "text": "x", "service_date": "20260504"}, "calendar date written YYYY-MM-DD"),
    ({"id": "n1", "text": "x", "service_date": "2026-02-30"}, "calendar date written YYYY-MM-DD"),
    ({"id": "n1", "text": "x", "service_date": "\uff12026-01-01"}, "calendar date written YYYY-MM-DD"),
    ({"id": "n1", "text": "x", "service_date": 20260504}, "field 'service_date' must be a string"),
    ({"id": "n1", "text": "x", "setting": CANARY}, "allowed values: outpatient, inpatient, emergency"),
    (
        {"id": "n1", "text": "x", "patient": {"sex": "female"}},
        "field 'patient.sex' is not one of the allowed",
    ),
    ({"id": "n1", "text": "x", "patient": {"birth_date": CANARY}}, "field 'patient.birth_date' must be"),
    ({"id": "n1", "text": "x", "patient": {"name": CANARY}}, "unknown field 'name' in 'patient'"),
    ({"id": "n1", "text": "x", "patient": CANARY}, "field 'patient' must be an object, not a string"),
    ([CANARY], "record must be an object, not a list"),
    (None, "record must be an object, not null"),
]


@pytest.mark.parametrize(("record", "message"), WRONG_NOTES)
def test_wrong_note_is_a_field_error_without_values(record: object, message: str) -> None:
    with pytest.raises(FieldError) as caught:
        note_from_record(record, record="f.jsonl:3")
    assert message in caught.value.message
    assert caught.value.record == "f.jsonl:3"
    assert CANARY not in str(caught.value)
    assert caught.value.__context__ is None


def test_gold_fields_are_allowed_when_asked() -> None:
    record = {"id": "n1", "text": "x", "codes": [], "em": None, "part": "tune"}
    assert note_from_record(record, record="r", gold_fields=True).id == "n1"
    with pytest.raises(FieldError, match="'colour'"):
        note_from_record({**record, "colour": 1}, record="r", gold_fields=True)


# --- gold notes -------------------------------------------------------------------------------------


def test_gold_note_with_all_fields() -> None:
    record = {
        "id": "g1",
        "text": "Type 2 diabetes.",
        "part": "tune",
        "em": {"code": "99213", "acceptable": ["99213", "99214"]},
        "codes": [
            {
                "system": "ICD-10-CM",
                "code": "E11.9",
                "status": "optional",
                "acceptable": ["E11.65"],
                "evidence": [[0, 15]],
                "valid_fy2026": True,
                "billable_fy2026": True,
            },
            {"system": "HCPCS", "code": "J1885", "modifiers": ["JZ"], "units": 2},
        ],
    }
    gold = gold_from_record(record, record="r")
    assert gold.part == "tune"
    assert gold.em == {"99213", "99214"}
    assert gold.codes == (
        GoldCode(
            system="ICD-10-CM",
            code="E11.9",
            status="optional",
            acceptable=frozenset({"E11.9", "E11.65"}),
            evidence=(Span(start=0, end=15),),
        ),
        GoldCode(system="HCPCS", code="J1885", modifiers=("JZ",), units=2),
    )


WRONG_CODES = [
    (
        {"system": "ICD-9", "code": "E11.9"},
        "field 'codes[0].system' is not one of the allowed values: ICD-10-CM",
    ),
    ({"system": "CPT"}, "field 'codes[0].code' is missing"),
    ({"system": "CPT", "code": CANARY}, "field 'codes[0].code' must be a code such as"),
    ({"system": "CPT", "code": "99213", "status": "main"}, "allowed values: core, optional"),
    ({"system": "CPT", "code": "99213", "acceptable": "99214"}, "'codes[0].acceptable' must be a list"),
    ({"system": "CPT", "code": "99213", "acceptable": [1]}, "'codes[0].acceptable[0]' must be a string"),
    ({"system": "CPT", "code": "99213", "acceptable": ["x"]}, "'codes[0].acceptable[0]' must be a code"),
    ({"system": "CPT", "code": "99213", "units": 0}, "'codes[0].units' must be a whole number of 1 or more"),
    ({"system": "CPT", "code": "99213", "units": True}, "'codes[0].units' must be a whole number"),
    (
        {"system": "CPT", "code": "99213", "evidence": [[0, 99]]},
        "'codes[0].evidence[0]' must be [start, end]",
    ),
    ({"system": "CPT", "code": "99213", "evidence": [[1, 1]]}, "'codes[0].evidence[0]' must be [start, end]"),
    ({"system": "CPT", "code": "99213", "evidence": [CANARY]}, "'codes[0].evidence[0]' must be [start, end]"),
    ({"system": "CPT", "code": "99213", "colour": 1}, "unknown field 'colour' in 'codes[0]'"),
    (CANARY, "field 'codes[0]' must be an object"),
]


@pytest.mark.parametrize(("code", "message"), WRONG_CODES)
def test_wrong_gold_code_is_a_field_error(code: object, message: str) -> None:
    with pytest.raises(FieldError) as caught:
        gold_from_record({"id": "g", "text": "Diabetes.", "codes": [code]}, record="r")
    assert message in str(caught.value)
    assert CANARY not in str(caught.value)


def test_gold_note_needs_codes() -> None:
    with pytest.raises(FieldError, match="'codes' is missing"):
        gold_from_record({"id": "g", "text": "x"}, record="r")
    assert gold_from_record({"id": "g", "text": "x", "codes": []}, record="r").em == frozenset()


# --- suggestions ------------------------------------------------------------------------------------

texts = st.text(st.characters(exclude_categories=("Cs",)), max_size=12)
codes = st.sampled_from(["E11.9", "99213", "J1885", "S52.571A", "K0001"])
flags = st.builds(
    Flag,
    rule_id=texts.filter(bool),
    severity=st.sampled_from(["error", "warning", "info"]),
    message=texts,
    codes=st.lists(codes, max_size=2).map(tuple),
)
spans = st.tuples(st.integers(0, 99), st.integers(0, 99)).map(lambda p: Span(start=min(p), end=max(p)))
assertions = st.builds(Assertion, **dict.fromkeys(["negated", "uncertain", "family"], st.booleans()))
evidence = st.builds(Evidence, span=spans, quote=texts, section=texts, assertion=assertions)
suggestions = st.builds(
    Suggestion,
    id=st.just("s"),
    code=st.builds(
        Code,
        system=st.sampled_from(SYSTEMS),
        code=codes,
        display=texts,
        billable=st.just(True),
        valid_from=st.just(date(2026, 4, 1)),
        valid_to=st.none(),
        release=st.just("2026-04-01"),
    ),
    confidence=st.floats(0, 1),
    rank=st.integers(1, 500),
    evidence=st.lists(evidence, max_size=2).map(tuple),
    reasons=st.lists(texts, max_size=2).map(tuple),
    flags=st.lists(flags, max_size=2).map(tuple),
    units=st.none() | st.integers(1, 500),
    modifiers=st.lists(
        st.builds(
            ProposedModifier,
            modifier=st.sampled_from(["LT", "25", "JZ"]),
            reason=texts,
            evidence=st.lists(
                st.builds(Evidence, span=spans, quote=texts, section=texts, assertion=st.just(Assertion())),
                max_size=1,
            ).map(tuple),
        ),
        max_size=2,
    ).map(tuple),
)
results = st.builds(
    Suggestions,
    note_id=st.just("n1"),
    run=st.just(RUN),
    suggestions=st.lists(suggestions, max_size=3).map(tuple),
    not_coded=st.lists(
        st.builds(
            NotCoded,
            span=spans,
            quote=texts,
            reason=texts.filter(bool),
            cue=st.none() | texts,
            would_be=st.lists(codes, max_size=2).map(tuple),
        ),
        max_size=2,
    ).map(tuple),
    flags=st.lists(flags, max_size=1).map(tuple),
)


@given(results)
def test_written_suggestions_are_valid_and_read_back_the_same(result: Suggestions) -> None:
    line = to_json_line(result)
    assert "\n" not in line
    record = json.loads(line)
    VALIDATOR.validate(record)
    again = suggestions_from_record(record, record="r")
    assert to_json_line(again) == line
    assert [item.evidence for item in again.suggestions] == [item.evidence for item in result.suggestions]
    for mine, theirs in zip(result.suggestions, again.suggestions, strict=True):
        assert abs(mine.confidence - theirs.confidence) <= 0.00005


def test_keys_stand_in_the_order_of_the_contract() -> None:
    line = to_json_line(FakeEngine().suggest(Note(id="n1", text="Cough é.")))
    assert line == (
        '{"id":"n1","run":{"version":"0.1.0","model":"fake","codesets":{"ICD-10-CM":"2026-04-01",'
        '"CPT":"2026-01-01","HCPCS":"2026-04-01"}},"suggestions":[{"rank":1,"system":"ICD-10-CM",'
        '"code":"R05.9","display":"title of cough","confidence":0.75,"evidence":[{"start":0,"end":5,'
        '"text":"Cough","section":"assessment","assertion":{"negated":false,"uncertain":false,'
        '"historical":false,"hypothetical":false,"family":false}}],"reasons":["exact title"],"flags":[{'
        '"rule":"fake","severity":"warning","message":"check it","codes":["E10.9"]}],"units":null,'
        '"modifiers":[]}],"not_coded":[{'
        '"start":0,"end":1,"text":"C","reason":"negated","cue":"no","would_be":["R07.9"]}],"flags":[],"em":null}'
    )


def test_text_is_written_as_it_is_and_confidence_to_four_digits() -> None:
    result = FakeEngine().suggest(Note(id="n1", text="é cough"))
    record = suggestions_to_record(result)
    assert '"text":"é"' in to_json_line(record)
    assert record["suggestions"][0]["confidence"] == 0.75
    assert '"confidence":0.4286' in to_json_line(FakeEngine().suggest(Note(id="n", text="cough cough")))


@pytest.mark.parametrize("confidence", [float("nan"), float("inf"), -0.1, 1.1])
def test_a_confidence_that_is_none_is_refused(confidence: float) -> None:
    result = FakeEngine().suggest(Note(id="n1", text="cough"))
    wrong = Suggestion(
        id="x",
        code=result.suggestions[0].code,
        confidence=confidence,
        rank=1,
        evidence=(),
        reasons=(),
    )
    with pytest.raises(ValueError, match=r"R05\.9"):
        suggestions_to_record(Suggestions(note_id="n", run=RUN, suggestions=(wrong,), not_coded=()))


@pytest.fixture
def record() -> dict:
    return json.loads(to_json_line(FakeEngine().suggest(Note(id="n1", text="No cough, diabetes."))))


def every_object(value: object, path: tuple = ()) -> list[tuple]:
    found = [path] if isinstance(value, dict) else []
    children = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    for key, child in children:
        found += every_object(child, (*path, key))
    return found


def at(value: dict, path: tuple) -> dict:
    for key in path:
        value = value[key]
    return value


def test_an_extra_or_missing_field_anywhere_is_refused_by_reader_and_schema(record: dict) -> None:
    paths = every_object(record)
    assert len(paths) > 6
    for path in paths:
        wrong = json.loads(json.dumps(record))
        at(wrong, path)["colour"] = "x"
        with pytest.raises(FieldError, match="'colour'"):
            suggestions_from_record(wrong, record="r")
        assert not VALIDATOR.is_valid(wrong), path
        for name in at(record, path):
            if path == ("run", "codesets") or name in ("cue", "em", "units", "modifiers"):
                continue
            wrong = json.loads(json.dumps(record))
            del at(wrong, path)[name]
            with pytest.raises(FieldError, match=f"{name}' is missing"):
                suggestions_from_record(wrong, record="r")
            assert not VALIDATOR.is_valid(wrong), (path, name)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("suggestions", 0, "rank"), 0),
        (("suggestions", 0, "rank"), 1.5),
        (("suggestions", 0, "confidence"), 1.01),
        (("suggestions", 0, "confidence"), "high"),
        (("suggestions", 0, "system"), "ICD"),
        (("suggestions", 0, "code"), "not a code at all"),
        (("suggestions", 0, "flags", 0, "severity"), "fatal"),
        (("suggestions", 0, "evidence", 0, "start"), -1),
        (("suggestions", 0, "evidence", 0, "assertion", "negated"), 0),
        (("suggestions", 0, "reasons"), [1]),
        (("not_coded", 0, "cue"), 3),
        (("run", "codesets", "LOINC"), "1"),
        (("run", "codesets", "CPT"), 3),
        (("id",), ""),
    ],
)
def test_a_wrong_value_is_refused_by_reader_and_schema(record: dict, path: tuple, value: object) -> None:
    at(record, path[:-1])[path[-1]] = value
    with pytest.raises(FieldError):
        suggestions_from_record(record, record="r")
    assert not VALIDATOR.is_valid(record)


def test_schema_is_a_schema_and_closed_everywhere() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)

    def walk(value: object) -> None:
        if isinstance(value, dict):
            if value.get("type") == "object":
                assert "additionalProperties" in value
                if "properties" in value:
                    assert value["additionalProperties"] is False
                    assert sorted(value["required"]) == sorted(set(value["properties"]) - {"auto_accepted"})
            for child in value.values():
                walk(child)
        elif isinstance(value, list):
            for child in value:
                walk(child)

    walk(SCHEMA)


def test_run_keeps_the_order_of_its_releases(record: dict) -> None:
    record["run"]["codesets"] = {"HCPCS": "b", "CPT": "a"}
    assert suggestions_from_record(record, record="r").run == Run(
        version="0.1.0", model="fake", codesets=(("HCPCS", "b"), ("CPT", "a")), config_hash=""
    )
