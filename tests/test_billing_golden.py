"""The claim drafts of our own gold notes that carry procedures, as a coder can read them.

``python tests/test_billing_golden.py`` writes them anew; read what changed before it is committed.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from billing_world import fees, gold_encounters, profile

from suggester.billing.claim import Claim
from suggester.billing.claim_json import claim_text, read_claim
from suggester.billing.draft import draft_claim
from suggester.billing.encounter import CodedEncounter
from suggester.billing.ruling import rule_check
from suggester.billing.superbill import superbill_csv
from suggester.billing.vocabulary import places_of_service
from suggester.codesets import Catalog, open_catalog
from suggester.rules import Rules

GOLDEN = Path(__file__).parent / "golden" / "claims"


def golden_claim(coded: CodedEncounter, catalog: Catalog) -> Claim:
    """The draft with the errors that stand; warnings and hints of the rules are left out to stay readable."""
    rules = rule_check(Rules.open(catalog=catalog))
    made = draft_claim(coded, profile=profile(), fees=fees(), catalog=catalog, rules=rules)
    shown = tuple(
        flag for flag in made.draft.flags if flag.severity == "error" or flag.rule_id.startswith("billing.")
    )
    return replace(made, draft=replace(made.draft, flags=shown))


def readable(made: Claim) -> str:
    """The draft as a coder reads it."""
    encounter = made.draft.encounter
    place = f"{encounter.place_of_service} {places_of_service()[made.place_of_service]}"
    out = [f"{encounter.id}  {encounter.service_from}  {place}  total {made.total:,}", "", "Diagnoses"]
    out += [f"{item.sequence:>3}  {item.code:<9} {item.display}" for item in made.draft.diagnoses]
    out += ["", "Lines"]
    for line in made.draft.lines:
        code = " ".join((line.code, *line.modifiers))
        pointers = " ".join(map(str, line.pointers))
        out.append(
            f"{line.sequence:>3}  {code:<12} {line.units:>4} units {line.charge:>9,}"
            f"  dx {pointers:<8} {line.display}"
        )
        for reason in made.pointer_reasons:
            if reason.line == line.sequence:
                out.append(f"       {reason.diagnosis:>2}: {'; '.join(reason.reasons)}")
    if made.draft.flags:
        out += ["", "Flags"]
        out += [f"     {flag.severity}: {flag.message}" for flag in made.draft.flags]
    return "\n".join(out) + "\n"


def files_of(made: Claim) -> dict[str, str]:
    """The golden files of a claim by name."""
    name = made.draft.encounter.id
    return {
        f"{name}.txt": readable(made),
        f"{name}.superbill.csv": superbill_csv(made),
        f"{name}.claim.json": claim_text(made),
    }


@pytest.mark.parametrize("coded", gold_encounters(), ids=lambda coded: coded.encounter.id)
def test_claim_draft_of_a_gold_note_is_as_committed(coded: CodedEncounter, catalog: Catalog) -> None:
    for name, text in files_of(golden_claim(coded, catalog)).items():
        kept = (GOLDEN / name).read_bytes().decode("utf-8")
        assert text == kept, f"{name} changed; if that is right: python tests/test_billing_golden.py"
        if name.endswith(".json"):
            assert claim_text(read_claim(kept)) == kept


def test_golden_claims_are_of_every_gold_note_with_procedures() -> None:
    names = {path.name.split(".")[0] for path in GOLDEN.iterdir()}
    assert names == {coded.encounter.id for coded in gold_encounters()}
    assert len(names) >= 30


def renew() -> None:
    """Write the golden files."""
    catalog = open_catalog()
    GOLDEN.mkdir(parents=True, exist_ok=True)
    for coded in gold_encounters():
        for name, text in files_of(golden_claim(coded, catalog)).items():
            (GOLDEN / name).write_bytes(text.encode())


if __name__ == "__main__":
    renew()
