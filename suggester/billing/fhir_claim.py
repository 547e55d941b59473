"""A claim as a FHIR R4 bundle: Claim, Condition, Procedure and everybody they name, references resolved.

Resources are plain values, checked by the models of fhir.resources. That package carries R4B, not R4; for the
resources used here the two are the same (``docs/adr/0006``). Ids are made from the claim's id, so
that the same claim gives the same bytes.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from fhir.resources.R4B.bundle import Bundle
from pydantic import ValidationError

from suggester.billing.claim import Claim, Trace, run_name
from suggester.billing.profile import Address, Person
from suggester.billing.vocabulary import places_of_service
from suggester.errors import FhirError
from suggester.types import ClaimLine

__all__ = ["check_bundle", "fhir_bundle", "fhir_text", "unresolved"]

type Resource = dict[str, Any]

_NAMESPACE = uuid.UUID("5f1c2f0e-6f3b-5d8a-9c55-0d8d8c1a7e01")
_SYSTEMS = {
    "ICD-10-CM": "http://hl7.org/fhir/sid/icd-10-cm",
    "CPT": "http://www.ama-assn.org/go/cpt",
    "HCPCS": "http://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets",
}
_PLACE_SYSTEM = "https://www.cms.gov/Medicare/Coding/place-of-service-codes/Place_of_Service_Code_Set"
_NPI_SYSTEM = "http://hl7.org/fhir/sid/us-npi"
_TAX_SYSTEM = "urn:oid:2.16.840.1.113883.4.4"
_TERMS = "http://terminology.hl7.org/CodeSystem"
_CLASSES = {"outpatient": "AMB", "emergency": "EMER", "inpatient": "IMP"}
_RELATIONSHIPS = {"18": "self", "01": "spouse", "19": "child", "53": "common"}
_GENDERS = {"F": "female", "M": "male", "U": "unknown"}


def fhir_text(claim: Claim) -> str:
    """The bundle as JSON text, checked.

    Raises
    ------
    FhirError
        If the models refuse it, or a reference leads nowhere.
    """
    bundle = fhir_bundle(claim)
    check_bundle(bundle)
    return json.dumps(bundle, ensure_ascii=False, indent=1) + "\n"


def check_bundle(bundle: Resource) -> None:
    """Check a bundle against the models, and that each reference leads to one of its entries.

    Raises
    ------
    FhirError
        Naming the element, never its value.
    """
    try:
        Bundle.model_validate(bundle)
    except ValidationError as refusal:
        problems = refusal.errors(include_url=False, include_context=False, include_input=False)
        place = ".".join(str(step) for step in problems[0]["loc"])
        raise FhirError(f"{problems[0]['type']} (and {len(problems) - 1} more)", field=place) from None
    except (KeyError, ValueError) as refusal:  # a type of resource that is not known; a choice of none or two
        raise FhirError(f"is refused by the FHIR models ({type(refusal).__name__})", field="Bundle") from None
    if lost := unresolved(bundle):
        raise FhirError("refers to an entry that is not there", field=lost[0])


def unresolved(bundle: Resource) -> tuple[str, ...]:
    """Paths of the references that lead to no entry of the bundle."""
    known = {entry["fullUrl"] for entry in bundle["entry"]}
    return tuple(path for path, target in _references(bundle, "Bundle") if target not in known)


def _references(value: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            if name == "reference" and isinstance(inner, str):
                yield f"{path}.reference", inner
            else:
                yield from _references(inner, f"{path}.{name}")
    elif isinstance(value, list):
        for place, inner in enumerate(value):
            yield from _references(inner, f"{path}[{place}]")


def fhir_bundle(claim: Claim) -> Resource:
    """The claim and everything it refers to as a ``collection`` bundle of plain values, not yet checked."""
    resources = [
        _claim(claim),
        *_conditions(claim),
        *_procedures(claim),
        *_people(claim),
        _encounter(claim),
        *_organizations(claim),
        _coverage(claim),
        *_provenances(claim),
    ]
    return {
        "resourceType": "Bundle",
        "id": _id(claim, "Bundle"),
        "type": "collection",
        "timestamp": _moment(claim.dated),
        "entry": [{"fullUrl": f"urn:uuid:{resource['id']}", "resource": resource} for resource in resources],
    }


def _id(claim: Claim, role: str) -> str:
    return str(uuid.uuid5(_NAMESPACE, f"{claim.draft.id}\n{role}"))


def _ref(claim: Claim, role: str) -> dict[str, str]:
    return {"reference": f"urn:uuid:{_id(claim, role)}"}


def _concept(system: str, code: str, display: str = "") -> dict[str, Any]:
    coding = {"system": system, "code": code}
    if display:
        coding["display"] = display
    return {"coding": [coding]}


def _term(name: str, code: str) -> dict[str, Any]:
    return _concept(f"{_TERMS}/{name}", code)


def _usd(value: Decimal) -> dict[str, Any]:
    return {"value": float(value), "currency": "USD"}


def _moment(value: datetime) -> str:
    return value.isoformat()


def _claim(claim: Claim) -> Resource:
    draft = claim.draft
    run = run_name(claim.run, draft.run_id)
    resource: Resource = {
        "resourceType": "Claim",
        "id": _id(claim, "Claim"),
        "identifier": [{"system": "urn:suggester:claim", "value": claim.number}],
        "status": "active" if claim.frequency != "8" else "cancelled",
        "type": _term("claim-type", "professional"),
        "use": "claim",
        "patient": _ref(claim, "Patient"),
        "billablePeriod": {
            "start": draft.encounter.service_from.isoformat(),
            "end": draft.encounter.service_to.isoformat(),
        },
        "created": _moment(claim.dated),
        "insurer": _ref(claim, "Payer"),
        "provider": _ref(claim, "BillingProvider"),
        "priority": _term("processpriority", "normal"),
        "diagnosis": [
            {
                "sequence": diagnosis.sequence,
                "diagnosisReference": _ref(claim, f"Condition/{diagnosis.sequence}"),
                **({"type": [_term("ex-diagnosistype", "principal")]} if diagnosis.sequence == 1 else {}),
            }
            for diagnosis in draft.diagnoses
        ],
        "procedure": [
            {"sequence": line.sequence, "procedureReference": _ref(claim, f"Procedure/{line.sequence}")}
            for line in draft.lines
        ],
        "insurance": [{"sequence": 1, "focal": True, "coverage": _ref(claim, "Coverage")}],
        "item": [_item(claim, line) for line in draft.lines],
        "total": _usd(claim.total),
        "supportingInfo": [
            {"sequence": place, "category": _term("claiminformationcategory", "info"), "valueString": words}
            for place, words in enumerate(_information(claim, run), 1)
        ],
    }
    if claim.parties.rendering_provider is not None:
        resource["careTeam"] = [{"sequence": 1, "provider": _ref(claim, "RenderingProvider")}]
    if claim.original_reference:
        identifier = {"system": "urn:suggester:payer-claim", "value": claim.original_reference}
        resource["related"] = [
            {"relationship": _term("ex-relatedclaimrelationship", "prior"), "reference": identifier}
        ]
    return resource


def _information(claim: Claim, run: str) -> Iterator[str]:
    yield f"run {run}"
    if claim.run is not None:
        yield f"model {claim.run.model}, version {claim.run.version}"
        for system, release in claim.run.codesets:
            yield f"code set {system} {release}"
    for flag in claim.draft.flags:
        if flag.overridden is not None:
            yield f"set aside {flag.rule_id}: {flag.overridden}"


def _item(claim: Claim, line: ClaimLine) -> Resource:
    place = line.place_of_service or claim.place_of_service
    item: Resource = {
        "sequence": line.sequence,
        "diagnosisSequence": list(line.pointers),
        "procedureSequence": [line.sequence],
        "productOrService": _concept(_SYSTEMS[line.system], line.code, line.display),
        "modifier": [_modifier(modifier) for modifier in line.modifiers],
        "servicedDate": line.service_date.isoformat(),
        "locationCodeableConcept": _concept(_PLACE_SYSTEM, place, places_of_service().get(place, "")),
        "quantity": {"value": line.units},
        "net": _usd(line.charge),
        "encounter": [_ref(claim, "Encounter")],
    }
    if claim.parties.rendering_provider is not None:
        item["careTeamSequence"] = [1]
    return {name: value for name, value in item.items() if value != []}


def _modifier(modifier: str) -> dict[str, Any]:
    return _concept(_SYSTEMS["CPT" if modifier.isdecimal() else "HCPCS"], modifier)


def _conditions(claim: Claim) -> Iterator[Resource]:
    for diagnosis in claim.draft.diagnoses:
        yield {
            "resourceType": "Condition",
            "id": _id(claim, f"Condition/{diagnosis.sequence}"),
            "clinicalStatus": _term("condition-clinical", "active"),
            "verificationStatus": _term("condition-ver-status", "confirmed"),
            "category": [_term("condition-category", "encounter-diagnosis")],
            "code": _concept(_SYSTEMS["ICD-10-CM"], diagnosis.code, diagnosis.display),
            "subject": _ref(claim, "Patient"),
            "encounter": _ref(claim, "Encounter"),
        }


def _procedures(claim: Claim) -> Iterator[Resource]:
    for line in claim.draft.lines:
        yield {
            "resourceType": "Procedure",
            "id": _id(claim, f"Procedure/{line.sequence}"),
            "status": "completed",
            "code": _concept(_SYSTEMS[line.system], line.code, line.display),
            "subject": _ref(claim, "Patient"),
            "encounter": _ref(claim, "Encounter"),
            "performedDateTime": line.service_date.isoformat(),
            **(
                {"reasonReference": [_ref(claim, f"Condition/{pointer}") for pointer in line.pointers]}
                if line.pointers
                else {}
            ),
        }


def _people(claim: Claim) -> Iterator[Resource]:
    coverage = claim.parties.coverage
    yield _person(claim, "Patient", coverage.insured_person, coverage.patient_id)
    if coverage.patient is not None:
        yield _person(claim, "Subscriber", coverage.subscriber, None)
    doctor = claim.parties.rendering_provider
    if doctor is not None:
        yield {
            "resourceType": "Practitioner",
            "id": _id(claim, "RenderingProvider"),
            "identifier": [{"system": _NPI_SYSTEM, "value": doctor.npi}],
            "name": [{"family": doctor.last_name, "given": [doctor.first_name]}],
        }


def _person(claim: Claim, role: str, person: Person, patient_id: str | None) -> Resource:
    given = [name for name in (person.first_name, person.middle_name) if name]
    return {
        "resourceType": "Patient",
        "id": _id(claim, role),
        **({"identifier": [{"system": "urn:suggester:patient", "value": patient_id}]} if patient_id else {}),
        "name": [{"family": person.last_name, "given": given}],
        "gender": _GENDERS[person.sex],
        "birthDate": _iso(person.birth_date),
        "address": [_address(person.address)],
    }


def _iso(value: date) -> str:
    return value.isoformat()


def _address(address: Address) -> dict[str, Any]:
    lines = [line for line in (address.line1, address.line2) if line]
    return {
        "line": lines,
        "city": address.city,
        "state": address.state,
        "postalCode": address.zip,
        "country": "US",
    }


def _encounter(claim: Claim) -> Resource:
    encounter = claim.draft.encounter
    return {
        "resourceType": "Encounter",
        "id": _id(claim, "Encounter"),
        "identifier": [{"system": "urn:suggester:encounter", "value": encounter.id}],
        "status": "finished",
        "class": {
            "system": f"{_TERMS}/v3-ActCode",
            "code": _CLASSES.get(encounter.setting or "outpatient", "AMB"),
        },
        "subject": _ref(claim, "Patient"),
        "period": {"start": _iso(encounter.service_from), "end": _iso(encounter.service_to)},
    }


def _organizations(claim: Claim) -> Iterator[Resource]:
    provider, payer = claim.parties.billing_provider, claim.parties.payer
    name = f"{provider.first_name} {provider.name}" if provider.first_name else provider.name
    yield {
        "resourceType": "Organization",
        "id": _id(claim, "BillingProvider"),
        "identifier": [
            {"system": _NPI_SYSTEM, "value": provider.npi},
            {"system": _TAX_SYSTEM, "value": provider.tax_id},
        ],
        "name": name,
        "address": [_address(provider.address)],
    }
    yield {
        "resourceType": "Organization",
        "id": _id(claim, "Payer"),
        "identifier": [{"system": "urn:suggester:payer", "value": payer.id}],
        "name": payer.name,
    }


def _coverage(claim: Claim) -> Resource:
    coverage = claim.parties.coverage
    return {
        "resourceType": "Coverage",
        "id": _id(claim, "Coverage"),
        "status": "active",
        "subscriber": _ref(claim, "Patient" if coverage.patient is None else "Subscriber"),
        "subscriberId": coverage.member_id,
        "beneficiary": _ref(claim, "Patient"),
        "relationship": _term("subscriber-relationship", _RELATIONSHIPS.get(coverage.relationship, "other")),
        "payor": [_ref(claim, "Payer")],
        **(
            {"class": [{"type": _term("coverage-class", "group"), "value": coverage.group_number}]}
            if coverage.group_number
            else {}
        ),
    }


def _provenances(claim: Claim) -> Iterator[Resource]:
    """One for the claim (run and code sets), one for each code that a decision put there."""
    run = run_name(claim.run, claim.draft.run_id)
    sources = [("urn:suggester:run", run)]
    if claim.run is not None:
        sources.append(("urn:suggester:model", f"{claim.run.model}, version {claim.run.version}"))
        sources += [
            ("urn:suggester:code-set", f"{system} {release}") for system, release in claim.run.codesets
        ]
    yield _provenance(claim, "Claim", "assembler", "Suggester", sources, claim.dated)
    traces = {(trace.code, trace.decision_id): trace for trace in claim.traces}
    decided = [(item.code, item.decision_id, f"Condition/{item.sequence}") for item in claim.draft.diagnoses]
    decided += [(item.code, item.decision_id, f"Procedure/{item.sequence}") for item in claim.draft.lines]
    for code, decision_id, target in decided:
        trace = traces.get((code, decision_id))
        if trace is not None and decision_id:
            yield _decision(claim, target, trace)


def _decision(claim: Claim, target: str, trace: Trace) -> Resource:
    sources = [("urn:suggester:decision", trace.decision_id or "")]
    sources += [
        ("urn:suggester:note", f"{note_id} {span.start}-{span.end}") for note_id, span in trace.places
    ]
    who = trace.decided_by or "a coder"
    return _provenance(claim, target, "author", who, sources, trace.decided_at or claim.dated)


def _provenance(
    claim: Claim, target: str, role: str, who: str, sources: list[tuple[str, str]], at: datetime
) -> Resource:
    return {
        "resourceType": "Provenance",
        "id": _id(claim, f"Provenance/{target}"),
        "target": [_ref(claim, target)],
        "recorded": _moment(at),
        "agent": [{"type": _term("provenance-participant-type", role), "who": {"display": who}}],
        "entity": [
            {"role": "source", "what": {"identifier": {"system": system, "value": value}}}
            for system, value in sources
        ],
    }
