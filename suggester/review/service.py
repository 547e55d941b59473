"""The review service: every function a page or a route may call, with its role checked on every call."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from typing import Any

from suggester.config import Settings
from suggester.errors import InputError
from suggester.review.types import (
    PRIMARY,
    Ack,
    Actor,
    Agreement,
    AuditSample,
    BulkPreview,
    CodeDetails,
    CodeHit,
    Dashboard,
    Decision,
    DecisionInput,
    EncounterCodes,
    ExportRecord,
    Finished,
    ImportProgress,
    LadderStep,
    Lease,
    MyCodes,
    NoteView,
    OverrideInput,
    PhysicianQuery,
    Progress,
    QueryDraft,
    QueryKind,
    Role,
    SampleSize,
    SavedClaim,
    SignedIn,
    Summary,
    TrailEntry,
    TrailReport,
    User,
    WorkCounts,
    WorkFilters,
    WorkPage,
    WorkSort,
)
from suggester.types import GoldNote, Note, Span, Suggestions, System


def open_review(settings: Settings | None = None, *, demo: bool = False) -> ReviewService:
    """Open the store that the settings name (created and migrated where needed) and the service over it.

    ``demo`` opens a store of its own in a private temporary folder with sample notes, no passwords and
    nothing kept; `ReviewService.demo_sign_in` works only there.
    """
    raise NotImplementedError


class ReviewService:
    """All that review can do. ``token`` is the session's; the actor and role are looked up on every call.

    Every method with a ``token`` raises ``SessionError`` (``expired``, ``signed_out``, ``disabled``) when the
    session does not hold any more and ``ForbiddenError`` when the role may not. Safe to use from threads.
    """

    # --- sign-in (no token) ---------------------------------------------------------------------------

    def sign_in(self, name: str, password: str) -> SignedIn:
        """Sign in with a local account. SignInError for any wrong pair; LockedError for 15 min after 5."""
        raise NotImplementedError

    def sign_in_identity(self, *, issuer: str, subject: str, email: str | None = None) -> SignedIn:
        """Sign in who an OIDC provider vouches for; the user must exist with this identity or email."""
        raise NotImplementedError

    def sign_in_proxy(self, *, name: str, peer: str) -> SignedIn:
        """Sign in the user named by a trusted proxy header; only if settings allow it, from loopback."""
        raise NotImplementedError

    def demo_sign_in(self, role: Role = "coder", *, peer: str = "127.0.0.1") -> SignedIn:
        """Sign in without password in a demo store, from loopback only."""
        raise NotImplementedError

    # --- sessions -------------------------------------------------------------------------------------

    def whoami(self, token: str, *, touch: bool = False) -> Actor:
        """Who the session belongs to now. ``touch`` counts as activity against the idle limit."""
        raise NotImplementedError

    def may(self, token: str, permission: str) -> bool:
        """Whether the session's role has a permission (see review/permissions.py); for hiding buttons."""
        raise NotImplementedError

    def sign_out(self, token: str) -> None:
        """End the session, give back its leases."""
        raise NotImplementedError

    # --- users (admin) --------------------------------------------------------------------------------

    def list_users(self, token: str) -> tuple[User, ...]:
        """All users by name."""
        raise NotImplementedError

    def add_user(
        self,
        token: str,
        *,
        name: str,
        role: Role,
        display_name: str | None = None,
        password: str | None = None,
        email: str | None = None,
        identity: str | None = None,
    ) -> User:
        """Add a user. ``identity`` is ``issuer|subject`` of an OIDC provider."""
        raise NotImplementedError

    def set_disabled(self, token: str, user_id: str, *, disabled: bool) -> User:
        """Disable or enable a user; a disabled one is out at the next action."""
        raise NotImplementedError

    def set_role(self, token: str, user_id: str, role: Role) -> User:
        """Change a user's role, felt at the next action."""
        raise NotImplementedError

    def set_password(self, token: str, user_id: str, password: str) -> None:
        """Set a user's password (admin), unlock them and end their sessions."""
        raise NotImplementedError

    def change_password(self, token: str, old: str, new: str) -> None:
        """Change one's own password; other sessions of the user end."""
        raise NotImplementedError

    def issue_api_token(self, token: str, user_id: str, *, days: int = 30) -> SignedIn:
        """A token for the HTTP service in a user's name: no idle limit, ends after ``days``."""
        raise NotImplementedError

    # --- worklist -------------------------------------------------------------------------------------

    def worklist(
        self,
        token: str,
        filters: WorkFilters | None = None,
        *,
        sort: WorkSort = "risk",
        offset: int = 0,
        limit: int = 50,
    ) -> WorkPage:
        """One page of the worklist, highest risk (or oldest, least sure) first; limit 1 to 200."""
        raise NotImplementedError

    def work_counts(self, token: str, filters: WorkFilters | None = None) -> WorkCounts:
        """Numbers for the filters."""
        raise NotImplementedError

    def progress(self, token: str, filters: WorkFilters | None = None) -> Progress:
        """The caller's day and pace."""
        raise NotImplementedError

    def assign(self, token: str, note_ids: tuple[str, ...], user_id: str | None) -> int:
        """Assign open notes to a coder, or to nobody; returns how many changed (manager)."""
        raise NotImplementedError

    # --- taking notes ---------------------------------------------------------------------------------

    def take_next(
        self,
        token: str,
        filters: WorkFilters | None = None,
        *,
        sort: WorkSort = "risk",
        skip: tuple[str, ...] = (),
    ) -> NoteView | None:
        """Take the best free note of the filters with a lease; None when there is none."""
        raise NotImplementedError

    def take(self, token: str, note_id: str, *, track: str = PRIMARY) -> NoteView:
        """Take a note with a lease. HeldError names who holds it; finished notes: reopen first."""
        raise NotImplementedError

    def view(self, token: str, note_id: str, *, track: str = PRIMARY) -> NoteView:
        """Look at a note without a lease."""
        raise NotImplementedError

    def heartbeat(self, token: str, note_id: str, *, track: str = PRIMARY) -> Lease:
        """Renew the lease (15 min). Not activity: an unattended page still times out. HeldError if lost."""
        raise NotImplementedError

    def release(self, token: str, note_id: str, *, track: str = PRIMARY) -> None:
        """Give the note back; decisions stay."""
        raise NotImplementedError

    # --- decisions ------------------------------------------------------------------------------------

    def decide_batch(
        self, token: str, decisions: tuple[DecisionInput, ...], *, client: str = "", track: str = PRIMARY
    ) -> tuple[Ack, ...]:
        """Keep decisions, in order, in one durable commit; one Ack each. A uuid seen before is acknowledged.

        ``client`` names the browser tab: a decision whose ``seen`` is older than a decision of another client
        is refused with code ``version``. Wrong ones are refused one by one; the others are kept.
        """
        raise NotImplementedError

    def accept(self, token: str, note_id: str, row_id: str, *, version: int | None = None) -> NoteView:
        """Accept one row (like one ``decide_batch`` item, raising instead of refusing)."""
        raise NotImplementedError

    def reject(
        self, token: str, note_id: str, row_id: str, *, reason: str, version: int | None = None
    ) -> NoteView:
        """Reject one row with a reason."""
        raise NotImplementedError

    def replace(
        self,
        token: str,
        note_id: str,
        row_id: str,
        *,
        system: System,
        code: str,
        reason: str | None = None,
        version: int | None = None,
    ) -> NoteView:
        """Replace the code of a row by another that is valid on the service date."""
        raise NotImplementedError

    def add_code(
        self,
        token: str,
        note_id: str,
        *,
        system: System,
        code: str,
        span: Span | None = None,
        version: int | None = None,
    ) -> NoteView:
        """Add a code, to selected words where ``span`` is given."""
        raise NotImplementedError

    def reorder(
        self, token: str, note_id: str, row_id: str, *, position: int, version: int | None = None
    ) -> NoteView:
        """Move a row of the summary to a position from 1 (first-listed)."""
        raise NotImplementedError

    def undo(
        self, token: str, note_id: str, *, target: str | None = None, version: int | None = None
    ) -> NoteView:
        """Take back one's last decision on the note, or the one named."""
        raise NotImplementedError

    def bulk_preview(self, token: str, note_id: str, threshold: float) -> BulkPreview:
        """What accepting all pending rows at or above a confidence means: rows and expected wrong codes."""
        raise NotImplementedError

    def bulk_accept(self, token: str, preview: BulkPreview, *, client: str = "") -> tuple[Ack, ...]:
        """Accept exactly the rows of a preview; refused as a whole when the note changed since."""
        raise NotImplementedError

    def history(self, token: str, note_id: str, *, track: str = PRIMARY) -> tuple[Decision, ...]:
        """All decisions on a note in order."""
        raise NotImplementedError

    # --- finishing ------------------------------------------------------------------------------------

    def summary(self, token: str, note_id: str, *, track: str = PRIMARY) -> Summary:
        """The coding summary as it stands, with flags that need a reason."""
        raise NotImplementedError

    def finish(
        self,
        token: str,
        note_id: str,
        *,
        overrides: tuple[OverrideInput, ...] = (),
        version: int | None = None,
        track: str = PRIMARY,
    ) -> Finished:
        """Finish a note. StandingFlagsError lists flags without a reason; needs the lease, gives it back."""
        raise NotImplementedError

    def reopen(self, token: str, note_id: str, *, reason: str) -> WorkPage:
        """Reopen a finished note (a coder only their own); it is back in the worklist."""
        raise NotImplementedError

    def send_to_second_review(self, token: str, note_id: str, *, reason: str) -> None:
        """Hand a note at work or finished to an auditor."""
        raise NotImplementedError

    def export_rows(
        self, token: str, note_ids: tuple[str, ...]
    ) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
        """Header and rows of the coding summary for CSV, cells safe from formulas."""
        raise NotImplementedError

    def export_csv(self, token: str, note_ids: tuple[str, ...]) -> bytes:
        """The coding summary of finished notes as CSV (UTF-8)."""
        raise NotImplementedError

    def export_json(self, token: str, note_ids: tuple[str, ...]) -> bytes:
        """The coding summary of finished notes as JSON (UTF-8)."""
        raise NotImplementedError

    # --- codes ----------------------------------------------------------------------------------------

    def search_codes(
        self,
        token: str,
        query: str,
        *,
        note_id: str | None = None,
        system: System | None = None,
        limit: int = 20,
    ) -> tuple[CodeHit, ...]:
        """Search codes valid on the note's service date; an empty query gives favourites, then recent."""
        raise NotImplementedError

    def code_details(
        self, token: str, system: System, code: str, *, note_id: str | None = None
    ) -> CodeDetails:
        """A code with hierarchy and tabular notes."""
        raise NotImplementedError

    def ladder(self, token: str, note_id: str, row_id: str) -> tuple[LadderStep, ...]:
        """More specific codes near a row's code and the words that are missing for them."""
        raise NotImplementedError

    def my_codes(self, token: str) -> MyCodes:
        """Favourites and recent codes of the caller."""
        raise NotImplementedError

    def set_favourite(self, token: str, system: System, code: str, *, favourite: bool) -> MyCodes:
        """Mark or unmark a favourite."""
        raise NotImplementedError

    # --- questions to the physician -------------------------------------------------------------------

    def draft_query(
        self,
        token: str,
        note_id: str,
        *,
        kind: QueryKind = "specificity",
        row_id: str | None = None,
        spans: tuple[Span, ...] = (),
    ) -> QueryDraft:
        """Draft a non-leading question with the words of the note as clinical indicators; keeps nothing."""
        raise NotImplementedError

    def ask_physician(
        self, token: str, note_id: str, *, kind: QueryKind, text: str, row_id: str | None = None
    ) -> PhysicianQuery:
        """Keep a question as put to the physician."""
        raise NotImplementedError

    def close_query(self, token: str, query_id: str, *, answer: str | None = None) -> PhysicianQuery:
        """Close a question with its answer, or withdraw it (no answer)."""
        raise NotImplementedError

    def queries(self, token: str, *, open_only: bool = True) -> tuple[PhysicianQuery, ...]:
        """Questions, newest first."""
        raise NotImplementedError

    # --- import ---------------------------------------------------------------------------------------

    def import_notes(
        self,
        token: str,
        notes: Iterable[Note | InputError],
        *,
        batch: int = 20,
    ) -> Iterator[ImportProgress]:
        """Read notes with the engine into the store; yields progress after every batch. Known ids: skipped.

        Takes what `suggester.notes.read_notes` yields. Notes already committed stay when the caller stops.
        """
        raise NotImplementedError

    def import_results(
        self, token: str, pairs: Iterable[tuple[Note, Suggestions] | InputError], *, batch: int = 100
    ) -> Iterator[ImportProgress]:
        """Import notes with suggestions that a batch run made."""
        raise NotImplementedError

    # --- audit of coding (auditor) --------------------------------------------------------------------

    def sample_size(
        self,
        token: str,
        *,
        confidence: float = 0.95,
        margin: float = 0.05,
        expected_rate: float = 0.5,
        coder_id: str | None = None,
        since: date | None = None,
        until: date | None = None,
    ) -> SampleSize:
        """Notes to audit so that the agreement is known to ± margin (finite population corrected)."""
        raise NotImplementedError

    def draw_sample(
        self,
        token: str,
        *,
        confidence: float = 0.95,
        margin: float = 0.05,
        expected_rate: float = 0.5,
        size: int | None = None,
        coder_id: str | None = None,
        since: date | None = None,
        until: date | None = None,
    ) -> AuditSample:
        """Draw a random sample of finished notes (``size`` overrides the computed number)."""
        raise NotImplementedError

    def samples(self, token: str) -> tuple[AuditSample, ...]:
        """Samples, newest first."""
        raise NotImplementedError

    def sample(self, token: str, sample_id: str) -> AuditSample:
        """One sample with its items."""
        raise NotImplementedError

    def take_audit(self, token: str, sample_id: str, note_id: str | None = None) -> NoteView | None:
        """Take the next (or the named) waiting note of a sample for blind second coding.

        The view has ``track`` ``audit:<sample id>``: decide, heartbeat, release and finish with that track.
        Nothing of the first coder is shown. None when all are done.
        """
        raise NotImplementedError

    def agreement(self, token: str, sample_id: str) -> Agreement:
        """Agreement of the finished second codings, with the disagreements."""
        raise NotImplementedError

    # --- dashboard (manager) --------------------------------------------------------------------------

    def dashboard(self, token: str, *, since: date, until: date, most: int = 20) -> Dashboard:
        """Figures of the work finished between two days, inclusive."""
        raise NotImplementedError

    def dashboard_csv(self, token: str, figure: str, *, since: date, until: date) -> bytes:
        """One figure of the dashboard (a field name such as ``coder_days``) as CSV."""
        raise NotImplementedError

    # --- learning -------------------------------------------------------------------------------------

    def coded_notes(self, token: str) -> Iterator[GoldNote]:
        """Finished notes as gold notes, for `suggester train --from-store` (manager)."""
        raise NotImplementedError

    # --- billing hand-off -----------------------------------------------------------------------------

    def encounters(
        self, token: str, *, since: date | None = None, until: date | None = None
    ) -> tuple[str, ...]:
        """Ids of encounters with notes on these service dates, sorted."""
        raise NotImplementedError

    def encounter_codes(self, token: str, encounter_id: str) -> EncounterCodes:
        """Finished codes of an encounter."""
        raise NotImplementedError

    def claim(self, token: str, encounter_id: str) -> SavedClaim | None:
        """The saved claim draft of an encounter."""
        raise NotImplementedError

    def save_claim(
        self, token: str, encounter_id: str, record: dict[str, Any], *, version: int
    ) -> SavedClaim:
        """Keep a claim draft; VersionError when somebody saved since ``version``."""
        raise NotImplementedError

    def record_export(self, token: str, encounter_id: str, *, format: str, sha256: str) -> ExportRecord:
        """Note in the trail that a claim left; the same bytes again give the first record."""
        raise NotImplementedError

    def exports(self, token: str, encounter_id: str) -> tuple[ExportRecord, ...]:
        """Exports of an encounter, oldest first."""
        raise NotImplementedError

    # --- the trail (admin) ----------------------------------------------------------------------------

    def verify_trail(self, token: str) -> TrailReport:
        """Verify the audit trail and the decisions against it."""
        raise NotImplementedError

    def trail(self, token: str, *, after: int = 0, limit: int = 500) -> tuple[TrailEntry, ...]:
        """Entries of the trail in order, after a sequence number."""
        raise NotImplementedError

    def close(self) -> None:
        """Close the store."""
        raise NotImplementedError
