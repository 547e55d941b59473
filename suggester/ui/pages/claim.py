"""The claim page: from the finished codes of an encounter to what a payer takes."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

import streamlit as st

from suggester.errors import BillingError, CodeSetError, EncounterError, ReviewError, SessionError
from suggester.ui.claim_edit import SAID, claim_flags, claim_form, keep
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
_FORM_NAMES = {"superbill": "Superbill", "837p": "837P", "fhir": "FHIR Claim", "cms1500": "CMS-1500"}


def page() -> None:
    """Draft, edit, check and export the claim of one encounter."""
    here = visit()
    st.title("Claim")
    if not may_see(here, "claim.read"):
        return
    said = st.session_state.pop(SAID, None)
    if isinstance(said, str):
        st.success(said, icon=":material/check_circle:")  # a toast has no accessible name
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
        claim_form(here, opened)
    with right:
        claim_flags(here, opened)
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
        keep(here, again, again.claim, "Drafted again")


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
    _left_before(here, opened)


def _left_before(here: Visit, opened: OpenClaim) -> None:
    """What was downloaded of this encounter before."""
    gone = here.service.exports(here.token, opened.encounter_id)
    if gone:
        with st.expander(f"Exported before ({len(gone)})"):
            table(
                [
                    {
                        "Form": _FORM_NAMES.get(item.format, item.format),
                        "When": item.at.astimezone().strftime("%Y-%m-%d %H:%M"),
                        "By": item.by,
                        "SHA-256": item.sha256,
                    }
                    for item in reversed(gone)
                ],
                alt_text="Exports of this encounter",
            )


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
    # at full height: a block that scrolls on its own cannot be reached by keyboard
    st.code(text, language=None, wrap_lines=True)
