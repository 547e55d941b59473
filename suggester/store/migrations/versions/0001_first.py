"""The first schema of the review store, with the triggers that keep decisions and trail append-only."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_SQLITE = """
create trigger {table}_no_{event} before {event} on {table}
begin select raise(abort, '{table} is append-only'); end
"""

_POSTGRES_FUNCTION = """
create function refuse_change() returns trigger language plpgsql as $$
begin raise exception '% is append-only', tg_table_name using errcode = '23514'; end $$
"""

_POSTGRES = """
create trigger {table}_no_{event} before {event} on {table}
for each statement execute function refuse_change()
"""


def upgrade() -> None:
    """Make all tables and triggers."""
    op.create_table(
        "audit",
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.String(length=48), nullable=False),
        sa.Column("action", sa.String(length=40), nullable=False),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("prev", sa.String(length=64), nullable=False),
        sa.Column("mac", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_audit")),
    )
    op.create_index("ix_audit_subject", "audit", ["subject"], unique=False)
    op.create_table(
        "encounters",
        sa.Column("id", sa.String(length=200), nullable=False),
        sa.Column("patient_id", sa.String(length=200), nullable=True),
        sa.Column("setting", sa.String(length=16), nullable=True),
        sa.Column("service_from", sa.String(length=10), nullable=True),
        sa.Column("service_to", sa.String(length=10), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_encounters")),
    )
    op.create_index("ix_encounters_service_from", "encounters", ["service_from"], unique=False)
    op.create_table(
        "runs",
        sa.Column("id", sa.String(length=48), nullable=False),
        sa.Column("version", sa.String(length=40), nullable=False),
        sa.Column("model", sa.String(length=200), nullable=False),
        sa.Column("codesets", sa.Text(), nullable=False),
        sa.Column("config_hash", sa.String(length=40), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_runs")),
    )
    op.create_table(
        "store_info",
        sa.Column("key", sa.String(length=40), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_store_info")),
    )
    op.create_table(
        "users",
        sa.Column("id", sa.String(length=48), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("display_name", sa.String(length=200), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("email", sa.String(length=200), nullable=True),
        sa.Column("identity", sa.String(length=500), nullable=True),
        sa.Column("password_hash", sa.String(length=200), nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("locked_until", sa.BigInteger(), nullable=True),
        sa.Column("disabled_at", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("role in ('coder', 'auditor', 'manager', 'admin')", name=op.f("ck_users_role")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
        sa.UniqueConstraint("email", name=op.f("uq_users_email")),
        sa.UniqueConstraint("identity", name=op.f("uq_users_identity")),
        sa.UniqueConstraint("name", name=op.f("uq_users_name")),
    )
    op.create_table(
        "claims",
        sa.Column("encounter_id", sa.String(length=200), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("record", sa.Text(), nullable=False),
        sa.Column("user_id", sa.String(length=48), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["encounter_id"], ["encounters.id"], name=op.f("fk_claims_encounter_id_encounters")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_claims_user_id_users")),
        sa.PrimaryKeyConstraint("encounter_id", name=op.f("pk_claims")),
    )
    op.create_table(
        "exports",
        sa.Column("encounter_id", sa.String(length=200), nullable=False),
        sa.Column("format", sa.String(length=20), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.String(length=48), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["encounter_id"], ["encounters.id"], name=op.f("fk_exports_encounter_id_encounters")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_exports_user_id_users")),
        sa.PrimaryKeyConstraint("encounter_id", "format", "sha256", name=op.f("pk_exports")),
    )
    op.create_table(
        "favourites",
        sa.Column("user_id", sa.String(length=48), nullable=False),
        sa.Column("system", sa.String(length=10), nullable=False),
        sa.Column("code", sa.String(length=10), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_favourites_user_id_users")),
        sa.PrimaryKeyConstraint("user_id", "system", "code", name=op.f("pk_favourites")),
    )
    op.create_table(
        "notes",
        sa.Column("id", sa.String(length=48), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("encounter_id", sa.String(length=200), nullable=True),
        sa.Column("kind", sa.String(length=200), nullable=True),
        sa.Column("setting", sa.String(length=16), nullable=True),
        sa.Column("service_date", sa.String(length=10), nullable=True),
        sa.Column("patient_id", sa.String(length=200), nullable=True),
        sa.Column("patient_sex", sa.String(length=1), nullable=True),
        sa.Column("patient_birth", sa.String(length=10), nullable=True),
        sa.Column("source", sa.Text(), nullable=True),
        sa.Column("run_id", sa.String(length=48), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("assigned_to", sa.String(length=48), nullable=True),
        sa.Column("risk", sa.Float(), nullable=False),
        sa.Column("lowest", sa.Float(), nullable=True),
        sa.Column("suggestions", sa.Integer(), nullable=False),
        sa.Column("pending", sa.Integer(), nullable=False),
        sa.Column("errors", sa.Integer(), nullable=False),
        sa.Column("warnings", sa.Integer(), nullable=False),
        sa.Column("characters", sa.Integer(), nullable=False),
        sa.Column("open_queries", sa.Integer(), nullable=False),
        sa.Column("worked_ms", sa.BigInteger(), nullable=False),
        sa.Column("imported_at", sa.BigInteger(), nullable=False),
        sa.Column("finished_at", sa.BigInteger(), nullable=True),
        sa.Column("finished_by", sa.String(length=48), nullable=True),
        sa.CheckConstraint(
            "status in ('new', 'in_review', 'finished', 'second_review', 'reopened')",
            name=op.f("ck_notes_status"),
        ),
        sa.ForeignKeyConstraint(["assigned_to"], ["users.id"], name=op.f("fk_notes_assigned_to_users")),
        sa.ForeignKeyConstraint(
            ["encounter_id"], ["encounters.id"], name=op.f("fk_notes_encounter_id_encounters")
        ),
        sa.ForeignKeyConstraint(["finished_by"], ["users.id"], name=op.f("fk_notes_finished_by_users")),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name=op.f("fk_notes_run_id_runs")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notes")),
        sa.UniqueConstraint("name", name=op.f("uq_notes_name")),
    )
    op.create_index("ix_notes_assigned", "notes", ["assigned_to", "status"], unique=False)
    op.create_index("ix_notes_encounter", "notes", ["encounter_id"], unique=False)
    op.create_index("ix_notes_finished", "notes", ["finished_at"], unique=False)
    op.create_index("ix_notes_status_imported", "notes", ["status", "imported_at", "id"], unique=False)
    op.create_index("ix_notes_status_lowest", "notes", ["status", "lowest", "id"], unique=False)
    op.create_index("ix_notes_status_risk", "notes", ["status", "risk", "id"], unique=False)
    op.create_index("ix_notes_status_service", "notes", ["status", "service_date", "id"], unique=False)
    op.create_table(
        "samples",
        sa.Column("id", sa.String(length=48), nullable=False),
        sa.Column("user_id", sa.String(length=48), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("population", sa.Integer(), nullable=False),
        sa.Column("confidence", sa.Float(), nullable=False),
        sa.Column("margin", sa.Float(), nullable=False),
        sa.Column("expected_rate", sa.Float(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("coder_id", sa.String(length=48), nullable=True),
        sa.Column("since", sa.String(length=10), nullable=True),
        sa.Column("until", sa.String(length=10), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_samples_user_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_samples")),
    )
    op.create_table(
        "sessions",
        sa.Column("id", sa.String(length=48), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.String(length=48), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_sessions_user_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sessions")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_sessions_token_hash")),
    )
    op.create_index(op.f("ix_sessions_user_id"), "sessions", ["user_id"], unique=False)
    op.create_table(
        "decisions",
        sa.Column("id", sa.String(length=48), nullable=False),
        sa.Column("note_id", sa.String(length=48), nullable=False),
        sa.Column("track", sa.String(length=48), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("action", sa.String(length=16), nullable=False),
        sa.Column("row_id", sa.String(length=120), nullable=True),
        sa.Column("suggestion_id", sa.String(length=300), nullable=True),
        sa.Column("system", sa.String(length=10), nullable=True),
        sa.Column("code", sa.String(length=10), nullable=True),
        sa.Column("display", sa.Text(), nullable=True),
        sa.Column("replacement", sa.String(length=20), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("span_start", sa.Integer(), nullable=True),
        sa.Column("span_end", sa.Integer(), nullable=True),
        sa.Column("position", sa.Integer(), nullable=True),
        sa.Column("target", sa.String(length=48), nullable=True),
        sa.Column("user_id", sa.String(length=48), nullable=False),
        sa.Column("client", sa.String(length=80), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["note_id"], ["notes.id"], name=op.f("fk_decisions_note_id_notes")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_decisions_user_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_decisions")),
        sa.UniqueConstraint("note_id", "track", "version", name=op.f("uq_decisions_note_id_track_version")),
    )
    op.create_index("ix_decisions_at", "decisions", ["at"], unique=False)
    op.create_index("ix_decisions_user_at", "decisions", ["user_id", "at"], unique=False)
    op.create_table(
        "finishes",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("note_id", sa.String(length=48), nullable=False),
        sa.Column("track", sa.String(length=48), nullable=False),
        sa.Column("user_id", sa.String(length=48), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("worked_ms", sa.BigInteger(), nullable=False),
        sa.Column("codes", sa.Integer(), nullable=False),
        sa.Column("planted", sa.Integer(), nullable=False),
        sa.Column("caught", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["note_id"], ["notes.id"], name=op.f("fk_finishes_note_id_notes")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_finishes_user_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_finishes")),
    )
    op.create_index("ix_finishes_at", "finishes", ["at"], unique=False)
    op.create_index(op.f("ix_finishes_note_id"), "finishes", ["note_id"], unique=False)
    op.create_index("ix_finishes_user_at", "finishes", ["user_id", "at"], unique=False)
    op.create_table(
        "leases",
        sa.Column("note_id", sa.String(length=48), nullable=False),
        sa.Column("track", sa.String(length=48), nullable=False),
        sa.Column("user_id", sa.String(length=48), nullable=False),
        sa.Column("session_id", sa.String(length=48), nullable=False),
        sa.Column("taken_at", sa.BigInteger(), nullable=False),
        sa.Column("renewed_at", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["note_id"], ["notes.id"], name=op.f("fk_leases_note_id_notes")),
        sa.ForeignKeyConstraint(["session_id"], ["sessions.id"], name=op.f("fk_leases_session_id_sessions")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_leases_user_id_users")),
        sa.PrimaryKeyConstraint("note_id", "track", name=op.f("pk_leases")),
    )
    op.create_index(op.f("ix_leases_session_id"), "leases", ["session_id"], unique=False)
    op.create_index(op.f("ix_leases_user_id"), "leases", ["user_id"], unique=False)
    op.create_table(
        "note_flags",
        sa.Column("note_id", sa.String(length=48), nullable=False),
        sa.Column("rule_id", sa.String(length=100), nullable=False),
        sa.Column("severity", sa.String(length=8), nullable=False),
        sa.ForeignKeyConstraint(["note_id"], ["notes.id"], name=op.f("fk_note_flags_note_id_notes")),
        sa.PrimaryKeyConstraint("note_id", "rule_id", name=op.f("pk_note_flags")),
    )
    op.create_index("ix_note_flags_rule", "note_flags", ["rule_id", "note_id"], unique=False)
    op.create_index("ix_note_flags_severity", "note_flags", ["severity", "note_id"], unique=False)
    op.create_table(
        "overrides",
        sa.Column("id", sa.String(length=48), nullable=False),
        sa.Column("note_id", sa.String(length=48), nullable=False),
        sa.Column("track", sa.String(length=48), nullable=False),
        sa.Column("rule_id", sa.String(length=100), nullable=False),
        sa.Column("codes", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("user_id", sa.String(length=48), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["note_id"], ["notes.id"], name=op.f("fk_overrides_note_id_notes")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_overrides_user_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_overrides")),
    )
    op.create_index(op.f("ix_overrides_note_id"), "overrides", ["note_id"], unique=False)
    op.create_table(
        "queries",
        sa.Column("id", sa.String(length=48), nullable=False),
        sa.Column("note_id", sa.String(length=48), nullable=False),
        sa.Column("row_id", sa.String(length=120), nullable=True),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.Column("user_id", sa.String(length=48), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("closed_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["note_id"], ["notes.id"], name=op.f("fk_queries_note_id_notes")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_queries_user_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_queries")),
    )
    op.create_index(op.f("ix_queries_note_id"), "queries", ["note_id"], unique=False)
    op.create_index(op.f("ix_queries_status"), "queries", ["status"], unique=False)
    op.create_table(
        "readings",
        sa.Column("note_id", sa.String(length=48), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("not_coded", sa.Text(), nullable=False),
        sa.Column("flags", sa.Text(), nullable=False),
        sa.Column("sections", sa.Text(), nullable=False),
        sa.Column("marks", sa.Text(), nullable=False),
        sa.Column("em", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["note_id"], ["notes.id"], name=op.f("fk_readings_note_id_notes")),
        sa.PrimaryKeyConstraint("note_id", name=op.f("pk_readings")),
    )
    op.create_table(
        "sample_items",
        sa.Column("sample_id", sa.String(length=48), nullable=False),
        sa.Column("note_id", sa.String(length=48), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("coder_id", sa.String(length=48), nullable=False),
        sa.Column("first_codes", sa.Text(), nullable=False),
        sa.Column("done_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["coder_id"], ["users.id"], name=op.f("fk_sample_items_coder_id_users")),
        sa.ForeignKeyConstraint(["note_id"], ["notes.id"], name=op.f("fk_sample_items_note_id_notes")),
        sa.ForeignKeyConstraint(
            ["sample_id"], ["samples.id"], name=op.f("fk_sample_items_sample_id_samples")
        ),
        sa.PrimaryKeyConstraint("sample_id", "note_id", name=op.f("pk_sample_items")),
    )
    op.create_table(
        "suggestions",
        sa.Column("id", sa.String(length=48), nullable=False),
        sa.Column("note_id", sa.String(length=48), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("suggestion_id", sa.String(length=300), nullable=False),
        sa.Column("system", sa.String(length=10), nullable=False),
        sa.Column("code", sa.String(length=10), nullable=False),
        sa.Column("display", sa.Text(), nullable=False),
        sa.Column("chapter", sa.String(length=80), nullable=False),
        sa.Column("confidence", sa.Float(), nullable=False),
        sa.Column("band", sa.Integer(), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("reasons", sa.Text(), nullable=False),
        sa.Column("flags", sa.Text(), nullable=False),
        sa.Column("units", sa.Integer(), nullable=True),
        sa.Column("modifiers", sa.Text(), nullable=False),
        sa.Column("planted", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.CheckConstraint(
            "state in ('pending', 'accepted', 'rejected', 'replaced')", name=op.f("ck_suggestions_state")
        ),
        sa.ForeignKeyConstraint(["note_id"], ["notes.id"], name=op.f("fk_suggestions_note_id_notes")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_suggestions")),
        sa.UniqueConstraint("note_id", "rank", name=op.f("uq_suggestions_note_id_rank")),
    )
    op.create_table(
        "final_codes",
        sa.Column("note_id", sa.String(length=48), nullable=False),
        sa.Column("track", sa.String(length=48), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("system", sa.String(length=10), nullable=False),
        sa.Column("code", sa.String(length=10), nullable=False),
        sa.Column("display", sa.Text(), nullable=False),
        sa.Column("row_id", sa.String(length=120), nullable=False),
        sa.Column("decision_id", sa.String(length=48), nullable=False),
        sa.Column("user_id", sa.String(length=48), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("modifiers", sa.Text(), nullable=False),
        sa.Column("units", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["decision_id"], ["decisions.id"], name=op.f("fk_final_codes_decision_id_decisions")
        ),
        sa.ForeignKeyConstraint(["note_id"], ["notes.id"], name=op.f("fk_final_codes_note_id_notes")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_final_codes_user_id_users")),
        sa.PrimaryKeyConstraint("note_id", "track", "position", name=op.f("pk_final_codes")),
    )
    _keep("decisions", "audit")


def _keep(*tables: str) -> None:
    postgres = op.get_bind().dialect.name == "postgresql"
    if postgres:
        op.execute(_POSTGRES_FUNCTION)
    for table in tables:
        for event in ("update", "delete", "truncate") if postgres else ("update", "delete"):
            op.execute((_POSTGRES if postgres else _SQLITE).format(table=table, event=event))
