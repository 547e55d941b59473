"""The working part of the claim page: diagnoses and lines to edit, what the rules say of them."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import streamlit as st

from suggester.errors import ReviewError, SessionError
from suggester.types import ClaimLine, Flag, Severity
from suggester.ui.shell import Visit

if TYPE_CHECKING:
    from suggester.ui.claims import OpenClaim

__all__ = ["SAID", "claim_flags", "claim_form", "keep"]

SAID = "_claim_said"
"""What the page says once after it was drawn anew."""

_FREQUENCIES = {"1": "Original", "7": "Replaces an earlier claim", "8": "Voids an earlier claim"}
_LETTERS = "ABCDEFGHIJKL"
_MODIFIER = re.compile(r"[0-9A-Za-z]{2}")
_MONEY = re.compile(r"\d{1,8}(\.\d{1,2})?", re.ASCII)
_BADGES: dict[Severity, Any] = {
    "error": ("error", ":material/error:", "red"),
    "warning": ("warning", ":material/warning:", "orange"),
    "info": ("info", ":material/info:", "blue"),
}


def keep(here: Visit, opened: OpenClaim, claim: Any, said: str) -> None:
    """Save the claim and draw the page anew; say so where somebody else saved it meanwhile."""
    from suggester.ui import claims

    try:
        claims.save(here.service, here.token, opened, claim)
    except ReviewError as error:
        if isinstance(error, SessionError):
            raise
        st.error(str(error), icon=":material/error:")
    else:
        st.session_state[SAID] = said
        st.rerun()


def claim_form(here: Visit, opened: OpenClaim) -> None:
    """Diagnoses in order and service lines, to be edited and saved in one go."""
    from suggester.billing.vocabulary import places_of_service
    from suggester.ui import claims

    claim, draft = opened.claim, opened.claim.draft
    base = f"claim_{opened.note_id}_{opened.version}"
    names = {item.code: f"{_letter(item.sequence)} · {item.code}" for item in draft.diagnoses}
    with st.form(f"{base}_form", border=False):
        st.subheader("Diagnoses")
        places = {item.code: _diagnosis(opened, item, base) for item in draft.diagnoses}
        if claim.left_out:
            st.text(f"Left out, beyond the twelfth: {', '.join(claim.left_out)}")
        st.subheader("Service lines")
        values = [_line(opened, line, base, names) for line in draft.lines]
        if not draft.lines:
            st.caption(
                "Every line is kept off this claim."
                if claim.unbilled
                else "No CPT or HCPCS code was accepted for this encounter."
            )
        if claim.unbilled:
            st.subheader("Kept off this claim")
            values += [_line(opened, line, base, names, billed=False) for line in claim.unbilled]
        one, two, three = st.columns([3, 2, 2])
        known = places_of_service()
        here_now = claim.place_of_service
        place = one.selectbox(
            "Place of service",
            sorted({*known, here_now} - {""}),
            index=None if not here_now else sorted({*known, here_now} - {""}).index(here_now),
            format_func=lambda code: f"{code} · {known.get(code, 'unknown')}",
            key=f"{base}_place",
        )
        frequency = two.selectbox(
            "This claim",
            list(_FREQUENCIES),
            index=list(_FREQUENCIES).index(claim.frequency) if claim.frequency in _FREQUENCIES else 0,
            format_func=lambda code: _FREQUENCIES[code],
            key=f"{base}_frequency",
        )
        reference = three.text_input(
            "Earlier claim's number", value=claim.original_reference, key=f"{base}_reference"
        )
        pressed = st.form_submit_button("Save and check", type="primary", icon=":material/save:")
    if not pressed:
        return
    both = (*draft.lines, *claim.unbilled)
    lines = [_edit(line, value) for line, value in zip(both, values, strict=True)]
    wrong = [text for text in lines if isinstance(text, str)]
    if wrong:
        for text in wrong:
            st.error(text, icon=":material/error:")
        return
    changed = claims.edited(
        claim,
        order=_moved(list(places), places),
        lines=[line for line in lines if isinstance(line, claims.LineEdit)],
        place_of_service=place,
        frequency=frequency,
        original_reference=reference.strip(),
    )
    keep(here, opened, changed, "Saved and checked")


def _letter(sequence: int) -> str:
    """The letter of a diagnosis as the CMS-1500 has it."""
    return _LETTERS[sequence - 1] if 1 <= sequence <= len(_LETTERS) else str(sequence)


def _moved(codes: list[str], places: dict[str, int]) -> list[str]:
    """The order that is meant when a diagnosis was given the place of another: it goes there, that one moves.

    >>> _moved(["a", "b", "c"], {"a": 1, "b": 2, "c": 1})
    ['c', 'a', 'b']
    >>> _moved(["a", "b", "c"], {"a": 3, "b": 2, "c": 3})
    ['b', 'c', 'a']
    """
    before = {code: place for place, code in enumerate(codes, 1)}

    def key(code: str) -> tuple[float, int]:
        move = places[code] - before[code]
        return (places[code] + (0.25 if move > 0 else -0.25 if move < 0 else 0.0), before[code])

    return sorted(codes, key=key)


def _diagnosis(opened: OpenClaim, item: Any, base: str) -> int:
    """One diagnosis with its place; what it leads back to on demand."""
    place, title, source = st.columns([1.1, 5, 1.4], vertical_alignment="center")
    chosen = place.number_input(
        f"Place of {item.code}",
        min_value=1,
        max_value=len(opened.claim.draft.diagnoses),
        value=item.sequence,
        key=f"{base}_dx_{item.code}",
        label_visibility="collapsed",
    )
    title.text(f"{_letter(item.sequence)} · {item.code}  {item.display}")
    with source.popover("Source", type="tertiary", width="stretch"):
        _source(opened, "ICD-10-CM", item.code)
    return int(chosen)


def _line(
    opened: OpenClaim, line: ClaimLine, base: str, names: dict[str, str], *, billed: bool = True
) -> dict[str, Any]:
    """One service line as widgets; their values."""
    by_number = {item.sequence: item.code for item in opened.claim.draft.diagnoses}
    key = f"{base}_line_{line.sequence}"
    with st.container(border=True):
        title, bill, source = st.columns([5, 1.1, 1.4], vertical_alignment="center")
        title.text(f"{line.sequence}. {line.code}  {line.display}")
        billing = bill.checkbox(
            "Bill", value=billed, key=f"{key}_bill", help="Without it the line is kept off this claim."
        )
        with source.popover("Source", type="tertiary", width="stretch"):
            _source(opened, line.system, line.code)
            _why(opened, line)
        one, two, three, four = st.columns([1.4, 1.2, 1.3, 3.4])
        return {
            "billed": billing,
            "modifiers": one.text_input(
                "Modifiers", value=" ".join(line.modifiers), key=f"{key}_modifiers", placeholder="25 RT"
            ),
            "units": two.number_input(
                "Units", min_value=0, max_value=9999, value=max(0, line.units), key=f"{key}_units"
            ),
            "charge": three.text_input("Charge, $", value=str(line.charge), key=f"{key}_charge"),
            "pointers": four.multiselect(
                "Pointers, best first",
                list(names),
                default=[by_number[n] for n in line.pointers if n in by_number],
                format_func=lambda code: names[code],
                max_selections=4,
                key=f"{key}_pointers",
                placeholder="1 to 4 diagnoses",
            ),
        }


def _why(opened: OpenClaim, line: ClaimLine) -> None:
    """Why a line points where it does."""
    reasons = [reason for reason in opened.claim.pointer_reasons if reason.line == line.sequence]
    if reasons:
        st.markdown("**Why these pointers**")
    for reason in reasons:
        st.text(f"{_letter(reason.diagnosis)}: {', '.join(reason.reasons)}")


def _edit(line: ClaimLine, values: dict[str, Any]) -> Any:
    """What was set on a line, or what is wrong with it, in words without the value."""
    from suggester.ui.claims import LineEdit

    modifiers = tuple(word.upper() for word in re.split(r"[\s,;]+", values["modifiers"].strip()) if word)
    charge = values["charge"].strip().removeprefix("$").strip()
    if not all(_MODIFIER.fullmatch(word) for word in modifiers):
        return f"Line {line.sequence}: modifiers are two letters or digits each, with spaces between."
    if not _MONEY.fullmatch(charge):
        return f"Line {line.sequence}: the charge is dollars such as 120 or 120.50."
    return LineEdit(
        modifiers=modifiers,
        units=int(values["units"]),
        charge=Decimal(charge).quantize(Decimal("0.01")),
        pointers=tuple(values["pointers"]),
        billed=bool(values["billed"]),
    )


def _source(opened: OpenClaim, system: str, code: str) -> None:
    """The decision behind a code and the words behind the decision."""
    texts = dict(opened.coded.texts)
    for trace in opened.claim.traces:
        if (trace.system, trace.code) != (system, code):
            continue
        when = "" if trace.decided_at is None else f", {trace.decided_at.astimezone():%Y-%m-%d %H:%M}"
        st.text(f"Decided by {trace.decided_by or 'nobody known'}{when}")
        st.caption(f"Decision `{trace.decision_id}`" if trace.decision_id else "Without a decision")
        words = [texts[note][span.start : span.end] for note, span in trace.places if note in texts]
        for quote in dict.fromkeys(words):
            st.text(f"“{quote}”")
        if not words:
            st.caption("Added without words of the note.")
        return
    st.caption("Nothing is known of this code.")


# --- flags ---------------------------------------------------------------------------------------------


def claim_flags(here: Visit, opened: OpenClaim) -> None:
    """What the rules say: those that stand first, those set aside last."""
    order = list(_BADGES)
    flags = sorted(
        opened.claim.draft.flags, key=lambda flag: (flag.overridden is not None, order.index(flag.severity))
    )
    st.subheader("Flags")
    if not flags:
        st.success("No rule has anything to say.", icon=":material/check_circle:")
    for place, flag in enumerate(flags):
        with st.container(border=True, gap="xsmall"):
            _flag(here, opened, flag, f"claim_flag_{opened.note_id}_{opened.version}_{place}")


def _flag(here: Visit, opened: OpenClaim, flag: Flag, key: str) -> None:
    from suggester.ui import claims

    name, icon, colour = _BADGES[flag.severity]
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if flag.overridden is None:
            st.badge(name, icon=icon, color=colour)
        else:
            st.badge("set aside", icon=":material/check:", color="gray")
        st.text("  ".join(flag.codes))
    st.text(flag.message)
    for quote in flag.words:
        st.text(f"“{quote}”")
    with st.container(key=f"sg_source_{key}"):
        st.text(f"{flag.rule_id}{f' · {flag.source}' if flag.source else ''}")
    if flag.severity == "info":
        return
    if flag.overridden is not None:
        st.text(f"Reason: {flag.overridden}")
        if st.button("Take back", key=f"{key}_back", type="tertiary", icon=":material/undo:"):
            keep(here, opened, claims.taken_back(opened.claim, flag), "Taken back")
        return
    if not flag.overridable:
        st.caption("This cannot be set aside: mend it.")
        return
    with st.popover("Set aside with a reason", icon=":material/rule:"), st.form(f"{key}_form", border=False):
        reason = st.text_area("Reason, kept and exported with the claim", max_chars=500, key=f"{key}_why")
        if st.form_submit_button("Set aside"):
            if not reason.strip():
                st.error("Give a reason.")
                return
            by = here.actor.display_name or here.actor.name
            changed = claims.set_aside(
                opened.claim, flag, reason=reason, by=by, at=datetime.now(UTC).replace(microsecond=0)
            )
            keep(here, opened, changed, "Set aside")
