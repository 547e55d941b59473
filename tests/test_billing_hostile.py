"""Whatever a file holds, reading it gives a value or a typed error that repeats none of it."""

from __future__ import annotations

import copy
import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
from billing_world import EXAMPLE, claim, fees, profile, visit
from hypothesis import given, settings
from hypothesis import strategies as st
from test_billing_denials import BODY, HEAD

from suggester.billing.claim import Claim, standing
from suggester.billing.claim_json import claim_record, read_claim
from suggester.billing.denials import compare
from suggester.billing.draft import with_flags
from suggester.billing.encounter import read_encounter
from suggester.billing.export import FORMS, Refusal, draft_all, preview
from suggester.billing.fees import load_fees
from suggester.billing.profile import Profile, load_profile, read_model
from suggester.billing.remittance import read_remittance
from suggester.errors import BillingError, ProfileError

CANARY = "CANARY7531"


def quiet(error: BillingError) -> None:
    """An error repeats nothing of the file."""
    assert CANARY not in str(error)


VALUES = (
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats()
    | st.sampled_from(
        ["", CANARY, "=cmd()", "1e999", "NaN", "\x00", "\ud800", "2026-02-30", "٣", "-", "~*:^", "9" * 400]
    )
    | st.text(max_size=8)
    | st.lists(st.none() | st.text(max_size=3), max_size=3)
    | st.dictionaries(st.text(max_size=3), st.none(), max_size=2)
)
FEW = settings(max_examples=150, database=None)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every path inside JSON values."""
    found = [path] if path else []
    if isinstance(value, dict):
        for name, inner in value.items():
            found += places(inner, (*path, name))
    elif isinstance(value, list):
        for place, inner in enumerate(value):
            found += places(inner, (*path, place))
    return found


def damaged(record: Any, path: tuple[Any, ...], value: Any) -> Any:
    """A copy with one value changed."""
    made = copy.deepcopy(record)
    inside = made
    for step in path[:-1]:
        inside = inside[step]
    inside[path[-1]] = value
    return made


def leaves_or_is_refused(made: Claim) -> None:
    """Every form of a claim is written, or refused with a typed error."""
    checked = with_flags(made)
    for form in FORMS:
        try:
            preview(checked, form)
        except BillingError as error:
            quiet(error)
        else:
            assert not standing(checked.draft.flags)


CLAIM = claim_record(claim())


@pytest.mark.slow
@FEW
@given(st.sampled_from(places(CLAIM)), VALUES)
def test_damaged_claim_json_is_read_or_refused(path: tuple[Any, ...], value: Any) -> None:
    try:
        made = read_claim(json.dumps(damaged(CLAIM, path, value)), name="c")
    except BillingError as error:
        quiet(error)
    else:
        leaves_or_is_refused(made)


ENCOUNTER = json.loads((EXAMPLE / "encounters.jsonl").read_text(encoding="utf-8").splitlines()[0])


@pytest.mark.slow
@FEW
@given(st.sampled_from(places(ENCOUNTER)), VALUES)
def test_damaged_encounter_is_drafted_or_refused(path: tuple[Any, ...], value: Any) -> None:
    try:
        coded = read_encounter(damaged(ENCOUNTER, path, value), record="e:1")
    except BillingError as error:
        quiet(error)
        return
    for made in draft_all([coded], profile=profile(), fees=fees()):
        if not isinstance(made, Refusal):
            leaves_or_is_refused(made)


PROFILE = profile().model_dump(mode="json")


@pytest.mark.slow
@FEW
@given(st.sampled_from(places(PROFILE)), VALUES)
def test_damaged_profile_is_used_or_refused(path: tuple[Any, ...], value: Any) -> None:
    try:
        read = read_model(Profile, damaged(PROFILE, path, value), error=ProfileError)
    except ProfileError as error:
        quiet(error)
        return
    for made in draft_all([visit()], profile=read, fees=fees()):
        if not isinstance(made, Refusal):
            leaves_or_is_refused(made)


@FEW
@given(st.binary(max_size=80), st.integers(0, 400))
def test_damaged_files_are_read_or_refused(noise: bytes, at: int) -> None:
    answer = "~\n".join(
        [*HEAD.splitlines(), *BODY.splitlines(), "SE*1*0001", "GE*1*1", "IEA*1*000000001", ""]
    )
    files = {
        "answer.835": answer.encode(),
        "denials.csv": b"claim,line,code,reason\nenc-1,1,99214,CO-97\n",
        "fees.csv": (EXAMPLE / "fees.csv").read_bytes()[:300],
        "profile.toml": (EXAMPLE / "profile.toml").read_bytes(),
    }
    with tempfile.TemporaryDirectory() as folder:
        for name, content in files.items():
            path = Path(folder) / name
            path.write_bytes(content[:at] + noise + content[at:])
            try:
                if name == "fees.csv":
                    load_fees(path)
                elif name == "profile.toml":
                    load_profile(path)
                else:
                    compare(read_remittance(path), [claim()])
            except BillingError as error:
                quiet(error)
