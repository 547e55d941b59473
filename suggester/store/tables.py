"""The tables of the review store.

Times are whole milliseconds since 1970 in UTC, days are ISO text, JSON is canonical text: the same on every
database. Ids are opaque text made by us, except ``notes.name`` and ``encounters.id``, which come with the
notes. ``decisions`` and ``audit`` are append-only: triggers refuse update and delete.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

__all__ = ["APPEND_ONLY", "metadata"]

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)

APPEND_ONLY = ("decisions", "audit")
"""Tables whose rows are never changed."""

_ID = String(48)
_NAME = String(200)
_DAY = String(10)

store_info = Table(
    "store_info",
    metadata,
    Column("key", String(40), primary_key=True),
    Column("value", Text, nullable=False),
)

users = Table(
    "users",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("name", _NAME, nullable=False, unique=True),
    Column("display_name", _NAME, nullable=False),
    Column("role", String(16), nullable=False),
    Column("email", _NAME, unique=True),
    Column("identity", String(500), unique=True),
    Column("password_hash", String(200)),
    Column("failures", Integer, nullable=False, default=0),
    Column("locked_until", BigInteger),
    Column("disabled_at", BigInteger),
    Column("created_at", BigInteger, nullable=False),
    CheckConstraint("role in ('coder', 'auditor', 'manager', 'admin')", name="role"),
)

sessions = Table(
    "sessions",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("token_hash", String(64), nullable=False, unique=True),
    Column("user_id", _ID, ForeignKey("users.id"), nullable=False, index=True),
    Column("kind", String(8), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("seen_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("ended_at", BigInteger),
)

encounters = Table(
    "encounters",
    metadata,
    Column("id", _NAME, primary_key=True),
    Column("patient_id", _NAME),
    Column("setting", String(16)),
    Column("service_from", _DAY),
    Column("service_to", _DAY),
    Index("ix_encounters_service_from", "service_from"),
)

runs = Table(
    "runs",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("version", String(40), nullable=False),
    Column("model", String(200), nullable=False),
    Column("codesets", Text, nullable=False),
    Column("config_hash", String(40), nullable=False),
    Column("started_at", BigInteger, nullable=False),
)

notes = Table(
    "notes",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("name", _NAME, nullable=False, unique=True),
    Column("encounter_id", _NAME, ForeignKey("encounters.id")),
    Column("kind", _NAME),
    Column("setting", String(16)),
    Column("service_date", _DAY),
    Column("patient_id", _NAME),
    Column("patient_sex", String(1)),
    Column("patient_birth", _DAY),
    Column("source", Text),
    Column("run_id", _ID, ForeignKey("runs.id"), nullable=False),
    Column("status", String(16), nullable=False),
    Column("version", Integer, nullable=False, default=0),
    Column("assigned_to", _ID, ForeignKey("users.id")),
    Column("risk", Float, nullable=False),
    Column("lowest", Float),
    Column("suggestions", Integer, nullable=False),
    Column("pending", Integer, nullable=False),
    Column("errors", Integer, nullable=False),
    Column("warnings", Integer, nullable=False),
    Column("characters", Integer, nullable=False),
    Column("open_queries", Integer, nullable=False, default=0),
    Column("worked_ms", BigInteger, nullable=False, default=0),
    Column("imported_at", BigInteger, nullable=False),
    Column("finished_at", BigInteger),
    Column("finished_by", _ID, ForeignKey("users.id")),
    Index("ix_notes_status_risk", "status", "risk", "id"),
    Index("ix_notes_status_imported", "status", "imported_at", "id"),
    Index("ix_notes_status_service", "status", "service_date", "id"),
    Index("ix_notes_status_lowest", "status", "lowest", "id"),
    Index("ix_notes_encounter", "encounter_id"),
    Index("ix_notes_assigned", "assigned_to", "status"),
    Index("ix_notes_finished", "finished_at"),
    CheckConstraint("status in ('new', 'in_review', 'finished', 'second_review', 'reopened')", name="status"),
)

readings = Table(
    "readings",
    metadata,
    Column("note_id", _ID, ForeignKey("notes.id"), primary_key=True),
    Column("text", Text, nullable=False),
    Column("not_coded", Text, nullable=False),
    Column("flags", Text, nullable=False),
    Column("sections", Text, nullable=False),
    Column("marks", Text, nullable=False),
    Column("em", Text),
)
"""What is large about a note, apart from ``notes`` so that the worklist reads little."""

note_flags = Table(
    "note_flags",
    metadata,
    Column("note_id", _ID, ForeignKey("notes.id"), primary_key=True),
    Column("rule_id", String(100), primary_key=True),
    Column("severity", String(8), nullable=False),
    Index("ix_note_flags_rule", "rule_id", "note_id"),
    Index("ix_note_flags_severity", "severity", "note_id"),
)

suggestions = Table(
    "suggestions",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("note_id", _ID, ForeignKey("notes.id"), nullable=False),
    Column("rank", Integer, nullable=False),
    Column("suggestion_id", String(300), nullable=False),
    Column("system", String(10), nullable=False),
    Column("code", String(10), nullable=False),
    Column("display", Text, nullable=False),
    Column("chapter", String(80), nullable=False),
    Column("confidence", Float, nullable=False),
    Column("band", Integer, nullable=False),
    Column("evidence", Text, nullable=False),
    Column("reasons", Text, nullable=False),
    Column("flags", Text, nullable=False),
    Column("units", Integer),
    Column("modifiers", Text, nullable=False),
    Column("planted", Boolean, nullable=False, default=False),
    Column("state", String(10), nullable=False),
    UniqueConstraint("note_id", "rank"),
    CheckConstraint("state in ('pending', 'accepted', 'rejected', 'replaced')", name="state"),
)
"""``band`` is the confidence in steps of 0.05, 0 to 19; ``planted`` ones are wrong on purpose."""

decisions = Table(
    "decisions",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("note_id", _ID, ForeignKey("notes.id"), nullable=False),
    Column("track", _ID, nullable=False),
    Column("version", Integer, nullable=False),
    Column("action", String(16), nullable=False),
    Column("row_id", String(120)),
    Column("suggestion_id", String(300)),
    Column("system", String(10)),
    Column("code", String(10)),
    Column("display", Text),
    Column("replacement", String(20)),
    Column("reason", Text),
    Column("span_start", Integer),
    Column("span_end", Integer),
    Column("position", Integer),
    Column("target", _ID),
    Column("user_id", _ID, ForeignKey("users.id"), nullable=False),
    Column("client", String(80), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("detail", Text, nullable=False),
    UniqueConstraint("note_id", "track", "version"),
    Index("ix_decisions_at", "at"),
    Index("ix_decisions_user_at", "user_id", "at"),
)

final_codes = Table(
    "final_codes",
    metadata,
    Column("note_id", _ID, ForeignKey("notes.id"), primary_key=True),
    Column("track", _ID, primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("system", String(10), nullable=False),
    Column("code", String(10), nullable=False),
    Column("display", Text, nullable=False),
    Column("row_id", String(120), nullable=False),
    Column("decision_id", _ID, ForeignKey("decisions.id"), nullable=False),
    Column("user_id", _ID, ForeignKey("users.id"), nullable=False),
    Column("evidence", Text, nullable=False),
    Column("modifiers", Text, nullable=False),
    Column("units", Integer),
)
"""The coding summary of finished notes, made anew each time a note is finished."""

finishes = Table(
    "finishes",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("note_id", _ID, ForeignKey("notes.id"), nullable=False, index=True),
    Column("track", _ID, nullable=False),
    Column("user_id", _ID, ForeignKey("users.id"), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("worked_ms", BigInteger, nullable=False),
    Column("codes", Integer, nullable=False),
    Column("planted", Integer, nullable=False),
    Column("caught", Integer, nullable=False),
    Index("ix_finishes_at", "at"),
    Index("ix_finishes_user_at", "user_id", "at"),
)

leases = Table(
    "leases",
    metadata,
    Column("note_id", _ID, ForeignKey("notes.id"), primary_key=True),
    Column("track", _ID, primary_key=True),
    Column("user_id", _ID, ForeignKey("users.id"), nullable=False, index=True),
    Column("session_id", _ID, ForeignKey("sessions.id"), nullable=False, index=True),
    Column("taken_at", BigInteger, nullable=False),
    Column("renewed_at", BigInteger, nullable=False),
    Column("until", BigInteger, nullable=False),
)

overrides = Table(
    "overrides",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("note_id", _ID, ForeignKey("notes.id"), nullable=False, index=True),
    Column("track", _ID, nullable=False),
    Column("rule_id", String(100), nullable=False),
    Column("codes", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("user_id", _ID, ForeignKey("users.id"), nullable=False),
    Column("at", BigInteger, nullable=False),
)

queries = Table(
    "queries",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("note_id", _ID, ForeignKey("notes.id"), nullable=False, index=True),
    Column("row_id", String(120)),
    Column("kind", String(16), nullable=False),
    Column("text", Text, nullable=False),
    Column("status", String(16), nullable=False, index=True),
    Column("answer", Text),
    Column("user_id", _ID, ForeignKey("users.id"), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("closed_at", BigInteger),
)

favourites = Table(
    "favourites",
    metadata,
    Column("user_id", _ID, ForeignKey("users.id"), primary_key=True),
    Column("system", String(10), primary_key=True),
    Column("code", String(10), primary_key=True),
    Column("at", BigInteger, nullable=False),
)

samples = Table(
    "samples",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("user_id", _ID, ForeignKey("users.id"), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("population", Integer, nullable=False),
    Column("confidence", Float, nullable=False),
    Column("margin", Float, nullable=False),
    Column("expected_rate", Float, nullable=False),
    Column("size", Integer, nullable=False),
    Column("coder_id", _ID),
    Column("since", _DAY),
    Column("until", _DAY),
)

sample_items = Table(
    "sample_items",
    metadata,
    Column("sample_id", _ID, ForeignKey("samples.id"), primary_key=True),
    Column("note_id", _ID, ForeignKey("notes.id"), primary_key=True),
    Column("place", Integer, nullable=False),
    Column("coder_id", _ID, ForeignKey("users.id"), nullable=False),
    Column("first_codes", Text, nullable=False),
    Column("done_at", BigInteger),
)
"""``first_codes`` is the coder's summary when the sample was drawn: a later reopening does not change it."""

claims = Table(
    "claims",
    metadata,
    Column("encounter_id", _NAME, ForeignKey("encounters.id"), primary_key=True),
    Column("version", Integer, nullable=False),
    Column("record", Text, nullable=False),
    Column("user_id", _ID, ForeignKey("users.id"), nullable=False),
    Column("at", BigInteger, nullable=False),
)

exports = Table(
    "exports",
    metadata,
    Column("encounter_id", _NAME, ForeignKey("encounters.id"), primary_key=True),
    Column("format", String(20), primary_key=True),
    Column("sha256", String(64), primary_key=True),
    Column("user_id", _ID, ForeignKey("users.id"), nullable=False),
    Column("at", BigInteger, nullable=False),
)

audit = Table(
    "audit",
    metadata,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("at", BigInteger, nullable=False),
    Column("actor", _ID, nullable=False),
    Column("action", String(40), nullable=False),
    Column("subject", _NAME, nullable=False),
    Column("detail", Text, nullable=False),
    Column("prev", String(64), nullable=False),
    Column("mac", String(64), nullable=False),
    Index("ix_audit_subject", "subject"),
)
