"""The claim page: from the finished codes of an encounter to what a payer takes."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal
from html import escape
from typing import TYPE_CHECKING, Any

import streamlit as st

from suggester.errors import BillingError, CodeSetError, EncounterError, ReviewError, SessionError
from suggester.types import ClaimLine, Flag, Severity
from suggester.ui.shell import Visit, empty_state, open_note, visit
from suggester.ui.tables import kept, may_see, table

if TYPE_CHECKING:
    from suggester.billing.fees import FeeSchedule
    from suggester.billing.profile import Profile
    from suggester.ui.claims import OpenClaim

__all__ = ["page"]

_MOST_LISTED = 1_000
_CHOSEN = "_claim_encounter"
_PROFILE, _FEES = "_claim_profile", "_claim_fees"
_SHOWN = "_claim_preview"
_SAID = "_claim_said"
_FORM_NAMES = {"superbill": "Superbill", "837p": "837P", "fhir": "FHIR Claim", "cms1500": "CMS-1500"}
_FREQUENCIES = {"1": "Original", "7": "Replaces an earlier claim", "8": "Voids an earlier claim"}
_LETTERS = "ABCDEFGHIJKL"
_MODIFIER = re.compile(r"[0-9A-Za-z]{2}")
_MONEY = re.compile(r"\d{1,8}(\.\d{1,2})?", re.ASCII)
_BADGES: dict[Severity, Any] = {
    "error": ("error", ":material/error:", "red"),
    "warning": ("warning", ":material/warning:", "orange"),
    "info": ("info", ":material/info:", "blue"),
}


def page() -> None:
    """Draft, edit, check and export the claim of one encounter."""
    here = visit()
    st.title("Claim")
    if not may_see(here, "claim.read"):
        return
    said = st.session_state.pop(_SAID, None)
    if isinstance(said, str):
        st.toast(said, icon=":material/check_circle:")
    encounter_id, papers = _choose(here)
    if encounter_id is None:
        return
    if papers is None:
        empty_state(
            "Say who bills whom first",
            "Open **Clinic and fees** above and give your profile (TOML) and your fee schedule (CSV). "
            "A site sets them once with `SUGGESTER_PROFILE_FILE` and `SUGGESTER_FEES_FILE`.",
            icon=":material/badge:",
        )
        return
    opened = _open(here, encounter_id, *papers)
    if opened is None:
        return
    _head(here, opened, papers)
    left, right = st.columns([3, 2], gap="medium")
    with left:
        _form(here, opened)
    with right:
        _flags(here, opened)
    _exports(here, opened)


# --- which encounter, who bills ------------------------------------------------------------------------


def _choose(here: Visit) -> tuple[str | None, tuple[Profile, FeeSchedule] | None]:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        since = st.date_input("Service from", key=kept("claim_since", None), format="YYYY-MM-DD", width=150)
        until = st.date_input("to", key=kept("claim_until", None), format="YYYY-MM-DD", width=150)
        ids = here.service.encounters(here.token, since=since, until=until)
        listed = ids[:_MOST_LISTED]
        before = st.session_state.get(_CHOSEN)
        picked = st.selectbox(
            "Encounter",
            listed,
            index=listed.index(before) if before in listed else None,
            placeholder="Choose an encounter",
            width=340,
        )
        with st.popover("Clinic and fees", icon=":material/badge:", width="content"):
            papers = _papers(here)
    st.session_state[_CHOSEN] = picked
    if len(ids) > len(listed):
        st.caption(f"The first {len(listed):,} of {len(ids):,} encounters are listed: narrow the days.")
    if not ids:
        empty_state(
            "No encounter here",
            "A claim is made of the notes of one encounter: import notes with an `encounter_id`, or choose "
            "other days.",
            icon=":material/request_quote:",
        )
    elif picked is None:
        empty_state(
            "Choose an encounter",
            "Its finished codes become a claim draft that you check, complete and download.",
            icon=":material/request_quote:",
        )
    return picked, papers


def _papers(here: Visit) -> tuple[Profile, FeeSchedule] | None:
    """Profile and fee schedule: an upload of this session, else of the settings, else of the demo."""
    from suggester.ui import claims  # loads what writes PDF, X12 and FHIR: when this page is opened

    profile: Profile | None
    fees: FeeSchedule | None
    profile, fees = claims.demo_papers() if here.context.demo else (None, None)
    try:
        own = claims.settings_papers(here.service)
        profile, fees = own[0] or profile, own[1] or fees
    except (BillingError, OSError) as error:
        st.error(
            str(error) if isinstance(error, BillingError) else "A file that the settings name is missing."
        )
    for name, key, kind, read in (
        ("Profile (TOML)", _PROFILE, "toml", claims.profile_of),
        ("Fee schedule (CSV)", _FEES, "csv", claims.fees_of),
    ):
        sent = st.file_uploader(name, type=[kind], key=f"{key}_file", max_upload_size=20)
        if sent is not None:
            try:
                st.session_state[key] = read(sent.getvalue())
            except BillingError as error:
                st.error(str(error))
    profile = st.session_state.get(_PROFILE, profile)
    fees = st.session_state.get(_FEES, fees)
    if profile is not None:
        st.text(f"{profile.billing_provider.name} bills {profile.payer.name}")
    if fees is not None:
        st.text(f"{len(fees):,} prices")
    st.caption("Uploads hold for this session of yours and are not kept.")
    return None if profile is None or fees is None else (profile, fees)


def _open(here: Visit, encounter_id: str, profile: Profile, fees: FeeSchedule) -> OpenClaim | None:
    """The claim, or why there is none yet."""
    from suggester.ui import claims

    try:
        return claims.open_claim(here.service, here.token, encounter_id, profile=profile, fees=fees)
    except EncounterError as error:
        if error.field != "open_notes":
            st.error(str(error), icon=":material/error:")
            return None
        waiting = here.service.encounter_codes(here.token, encounter_id).open_notes
        empty_state(
            f"{len(waiting)} of its notes {'is' if len(waiting) == 1 else 'are'} not finished",
            "A claim is made of finished notes. Finish them on the review page, then come back.",
            icon=":material/pending_actions:",
        )
        if st.button("Open the note", icon=":material/open_in_new:", key="claim_open"):
            open_note(waiting[0])
    except (BillingError, CodeSetError, ReviewError) as error:
        if isinstance(error, SessionError):
            raise
        st.error(str(error), icon=":material/error:")
    return None


# --- the draft -----------------------------------------------------------------------------------------


def _head(here: Visit, opened: OpenClaim, papers: tuple[Profile, FeeSchedule]) -> None:
    """Totals, how the claim stands, and drafting anew where its codes changed."""
    from suggester.ui import claims

    claim, draft = opened.claim, opened.claim.draft
    errors = len(claims.standing(draft.flags))
    encounter = draft.encounter
    days = encounter.service_from.isoformat()
    if encounter.service_to != encounter.service_from:
        days += f" to {encounter.service_to.isoformat()}"
    with st.container(border=True, horizontal=True, vertical_alignment="center", gap="large"):
        st.metric("Total", f"$ {claim.total:,.2f}" if claim.total.is_finite() else "–", width="content")
        st.metric("Service", days, width="content")
        st.metric("Diagnoses", f"{len(draft.diagnoses)} of 12", width="content")
        st.metric("Lines", f"{len(draft.lines)}", width="content")
        with st.container(width="stretch", horizontal_alignment="right", gap="xsmall"):
            if errors:
                st.badge(
                    f"{errors} error{'s' if errors > 1 else ''} stand{'' if errors > 1 else 's'}: no export",
                    icon=":material/block:",
                    color="red",
                )
            else:
                st.badge("Clear to export", icon=":material/check_circle:", color="green")
            if opened.saved is None:
                st.caption("Draft, not saved yet", width="content")
            else:
                at = opened.saved.saved_at.astimezone()
                st.text(
                    f"Version {opened.version}, {at:%Y-%m-%d %H:%M}, {opened.saved.saved_by}", width="content"
                )
    if opened.changed:
        st.warning(
            "The codes of this encounter changed since the claim was saved. Draft it again to go on; what "
            "was set by hand is set anew.",
            icon=":material/sync_problem:",
        )
    if opened.saved is not None and st.button(
        "Draft again from the codes", key="claim_fresh", icon=":material/restart_alt:", type="tertiary"
    ):
        again = claims.open_claim(
            here.service, here.token, opened.encounter_id, profile=papers[0], fees=papers[1], fresh=True
        )
        _keep(here, again, again.claim, "Drafted again")


def _keep(here: Visit, opened: OpenClaim, claim: Any, said: str) -> None:
    """Save the claim and draw the page anew; say so where somebody else saved it meanwhile."""
    from suggester.ui import claims

    try:
        claims.save(here.service, here.token, opened, claim)
    except ReviewError as error:
        if isinstance(error, SessionError):
            raise
        st.error(str(error), icon=":material/error:")
    else:
        st.session_state[_SAID] = said
        st.rerun()


def _form(here: Visit, opened: OpenClaim) -> None:
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
            st.caption("No CPT or HCPCS code was accepted for this encounter.")
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
            "Payer's number of the earlier one", value=claim.original_reference, key=f"{base}_reference"
        )
        pressed = st.form_submit_button("Save and check", type="primary", icon=":material/save:")
    if not pressed:
        return
    lines = [_edit(line, value) for line, value in zip(draft.lines, values, strict=True)]
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
    _keep(here, opened, changed, "Saved and checked")


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


def _line(opened: OpenClaim, line: ClaimLine, base: str, names: dict[str, str]) -> dict[str, Any]:
    """One service line as widgets; their values."""
    by_number = {item.sequence: item.code for item in opened.claim.draft.diagnoses}
    key = f"{base}_line_{line.sequence}"
    with st.container(border=True):
        title, source = st.columns([6.1, 1.4], vertical_alignment="center")
        title.text(f"{line.sequence}. {line.code}  {line.display}")
        with source.popover("Source", type="tertiary", width="stretch"):
            _source(opened, line.system, line.code)
        one, two, three, four = st.columns([1.4, 1.2, 1.3, 3.4])
        values = {
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
        why = [
            f"{_letter(reason.diagnosis)}: {', '.join(reason.reasons)}"
            for reason in opened.claim.pointer_reasons
            if reason.line == line.sequence
        ]
        if why:
            with st.expander("Why these pointers"):
                for text in why:
                    st.text(text)
    return values


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


def _flags(here: Visit, opened: OpenClaim) -> None:
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
            _keep(here, opened, claims.taken_back(opened.claim, flag), "Taken back")
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
            _keep(here, opened, changed, "Set aside")


# --- exports -------------------------------------------------------------------------------------------


def _exports(here: Visit, opened: OpenClaim) -> None:
    """Preview and download of each form; nothing while an error stands."""
    from suggester.ui import claims

    st.subheader("Exports")
    if claims.standing(opened.claim.draft.flags):
        st.info(
            "Nothing leaves while an error stands. Mend it on the left, or set it aside with a reason.",
            icon=":material/block:",
        )
        return
    if opened.changed:
        st.info("Draft the claim again first: its codes changed.", icon=":material/sync_problem:")
        return
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        form = (
            st.segmented_control(
                "Form",
                list(claims.FILES),
                format_func=lambda name: _FORM_NAMES[name],
                key=kept("claim_form", "superbill"),
                required=True,
                label_visibility="collapsed",
            )
            or "superbill"
        )
        if opened.saved is None:
            st.caption("Save and check first: what is downloaded is the saved claim.", width="content")
        else:
            st.html(_links(opened.note_id, form, claims.FILES[form]), width="content")
    try:
        files = _previewed(opened, form)
    except BillingError as error:
        st.error(str(error), icon=":material/error:")
        return
    _preview(opened, form, files)


def _links(note_id: str, form: str, endings: tuple[str, ...]) -> str:
    """Links to the route that checks the session; built of opaque ids and our own words."""
    return " ".join(
        f'<a class="sg-download" download href="/export/claim/{escape(note_id, quote=True)}/{escape(form)}'
        f'/{escape(ending[1:])}">Download {escape(_file_words(ending))}</a>'
        for ending in endings
    )


def _file_words(ending: str) -> str:
    """What a file is, in words.

    >>> _file_words(".superbill.pdf"), _file_words(".claim.json"), _file_words(".x12")
    ('PDF', 'claim JSON', 'X12')
    """
    words = {".claim.json": "claim JSON", ".json": "what stands behind it (JSON)"}
    return words.get(ending, ending.rsplit(".", 1)[1].upper())


def _previewed(opened: OpenClaim, form: str) -> dict[str, bytes]:
    """The files of a form, kept for this version of the claim: an 837P is checked as it is made."""
    from suggester.billing.export import preview

    key = (opened.claim, form)
    known = st.session_state.get(_SHOWN)
    if isinstance(known, tuple) and known[0] == key:
        files: dict[str, bytes] = known[1]
        return files
    files = preview(opened.claim, form)  # type: ignore[arg-type]  # one of FORMS
    st.session_state[_SHOWN] = (key, files)
    return files


def _preview(opened: OpenClaim, form: str, files: dict[str, bytes]) -> None:
    from suggester.ui import claims

    if form == "superbill":
        by_number = {item.sequence: item.code for item in opened.claim.draft.diagnoses}
        table(
            [
                {
                    "Line": line.sequence,
                    "Code": line.code,
                    "Title": line.display,
                    "Modifiers": " ".join(line.modifiers),
                    "Units": line.units,
                    "Charge": f"$ {line.charge:,.2f}",
                    "Diagnoses": ", ".join(by_number[n] for n in line.pointers if n in by_number),
                    "Decision": line.decision_id or "",
                }
                for line in opened.claim.draft.lines
            ],
            alt_text="Lines of the superbill",
        )
        return
    ending = claims.FILES[form][0]  # type: ignore[index]  # one of FORMS
    text = next(body for name, body in files.items() if name.endswith(ending)).decode()
    if form == "837p":
        text = text.replace("\n", "").replace("~", "~\n")
    st.code(text, language=None if form == "837p" else "json", height=420, wrap_lines=form == "837p")
