"""The routes beside Streamlit's own that the review page works through.

Decisions go through ``POST /api/decisions`` and are acknowledged when they are durable. Note text and search
words travel in bodies, never in addresses.
"""

from __future__ import annotations

from typing import Any, cast

from starlette.responses import Response
from starlette.routing import BaseRoute

from suggester.errors import FieldError
from suggester.review.types import PRIMARY, QUERY_KINDS, QueryKind
from suggester.ui.context import AppContext
from suggester.ui.records import decision_of, overrides_of, plain, span_of, system_of
from suggester.ui.web import Call, api

__all__ = ["api_routes"]

_MOST_DECISIONS = 500
_HITS = 25


def api_routes(context: AppContext) -> list[BaseRoute]:
    """All routes for signed-in pages."""
    return [
        api(context, "/api/decisions", _decide),
        api(context, "/api/next", _next),
        api(context, "/api/notes/{note}/take", _take),
        api(context, "/api/notes/{note}/view", _view),
        api(context, "/api/notes/{note}/heartbeat", _heartbeat),
        api(context, "/api/notes/{note}/release", _release),
        api(context, "/api/notes/{note}/bulk", _bulk),
        api(context, "/api/notes/{note}/bulk-accept", _bulk_accept),
        api(context, "/api/notes/{note}/summary", _summary),
        api(context, "/api/notes/{note}/finish", _finish),
        api(context, "/api/notes/{note}/reopen", _reopen),
        api(context, "/api/notes/{note}/second-review", _second_review),
        api(context, "/api/notes/{note}/ladder", _ladder),
        api(context, "/api/notes/{note}/query-draft", _query_draft),
        api(context, "/api/notes/{note}/query", _query),
        api(context, "/api/codes/search", _search),
        api(context, "/api/codes/details", _details),
        api(context, "/api/codes/mine", _mine),
        api(context, "/api/codes/favourite", _favourite),
        api(context, "/export/{note}.csv", _export_csv, method="GET"),
        api(context, "/export/{note}.json", _export_json, method="GET"),
        api(context, "/export/claim/{note}/{form}/{ending}", _export_claim, method="GET"),
    ]


def _track(call: Call) -> str:
    track = call.body.get("track", PRIMARY)
    if not isinstance(track, str):
        raise FieldError("track: must be text", record="request")
    return track


def _text(call: Call, name: str) -> str:
    value = call.body.get(name)
    if not isinstance(value, str) or not value.strip() or len(value) > 20_000:
        raise FieldError(f"{name}: must be text, not empty", record="request")
    return value


def _decide(call: Call) -> dict[str, Any]:
    items = call.body.get("decisions")
    if not isinstance(items, list) or not 0 < len(items) <= _MOST_DECISIONS:
        raise FieldError(f"decisions: must be a list of 1 to {_MOST_DECISIONS}", record="request")
    decisions = tuple(decision_of(item) for item in items)
    client = str(call.body.get("client", ""))[:64]
    acks = call.service.decide_batch(call.token, decisions, client=client, track=_track(call))
    return {"acks": plain(acks)}


def _next(call: Call) -> dict[str, Any]:
    """The next free note, with the one before given back; ``view`` is null where there is none."""
    leave = call.body.get("leave")
    skip = tuple(item for item in call.body.get("skip", []) if isinstance(item, str))[:200]
    if isinstance(leave, str) and leave:
        call.service.release(call.token, leave)
        skip = (*skip, leave)
    view = call.service.take_next(call.token, skip=skip)
    again = view is None and bool(skip)
    if again:  # all that wait were passed over: begin with the first of them again
        view = call.service.take_next(call.token, skip=skip[-1:]) or call.service.take_next(call.token)
    return {"view": plain(view), "again": again, "progress": plain(call.service.progress(call.token))}


def _take(call: Call) -> dict[str, Any]:
    return {"view": plain(call.service.take(call.token, call.path["note"], track=_track(call)))}


def _view(call: Call) -> dict[str, Any]:
    return {"view": plain(call.service.view(call.token, call.path["note"], track=_track(call)))}


def _heartbeat(call: Call) -> dict[str, Any]:
    return {"lease": plain(call.service.heartbeat(call.token, call.path["note"], track=_track(call)))}


def _release(call: Call) -> dict[str, Any]:
    call.service.release(call.token, call.path["note"], track=_track(call))
    return {}


def _threshold(call: Call) -> float:
    value = call.body.get("threshold")
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value <= 1:
        raise FieldError("threshold: must be a number from 0 to 1", record="request")
    return float(value)


def _bulk(call: Call) -> dict[str, Any]:
    return {"preview": plain(call.service.bulk_preview(call.token, call.path["note"], _threshold(call)))}


def _bulk_accept(call: Call) -> dict[str, Any]:
    """Accept what a preview with the same rows shows now; a preview that differs is sent back instead."""
    preview = call.service.bulk_preview(call.token, call.path["note"], _threshold(call))
    if list(preview.rows) != call.body.get("rows"):
        return {"preview": plain(preview), "acks": None}
    client = str(call.body.get("client", ""))[:64]
    return {"acks": plain(call.service.bulk_accept(call.token, preview, client=client))}


def _summary(call: Call) -> dict[str, Any]:
    return {"summary": plain(call.service.summary(call.token, call.path["note"], track=_track(call)))}


def _finish(call: Call) -> dict[str, Any]:
    overrides = overrides_of(call.body.get("overrides", []))
    done = call.service.finish(call.token, call.path["note"], overrides=overrides, track=_track(call))
    return {"finished": plain(done), "progress": plain(call.service.progress(call.token))}


def _reopen(call: Call) -> dict[str, Any]:
    call.service.reopen(call.token, call.path["note"], reason=_text(call, "reason"))
    return {"view": plain(call.service.take(call.token, call.path["note"]))}


def _second_review(call: Call) -> dict[str, Any]:
    call.service.send_to_second_review(call.token, call.path["note"], reason=_text(call, "reason"))
    return {}


def _ladder(call: Call) -> dict[str, Any]:
    return {"ladder": plain(call.service.ladder(call.token, call.path["note"], _text(call, "row_id")))}


def _kind(call: Call) -> QueryKind:
    kind = call.body.get("kind", "specificity")
    if kind not in QUERY_KINDS:
        raise FieldError(f"kind: must be one of {', '.join(QUERY_KINDS)}", record="request")
    return cast(QueryKind, kind)


def _row_id(call: Call) -> str | None:
    value = call.body.get("row_id")
    return value if isinstance(value, str) else None


def _query_draft(call: Call) -> dict[str, Any]:
    span = span_of(call.body.get("span"))
    draft = call.service.draft_query(
        call.token,
        call.path["note"],
        kind=_kind(call),
        row_id=_row_id(call),
        spans=() if span is None else (span,),
    )
    return {"draft": plain(draft)}


def _query(call: Call) -> dict[str, Any]:
    asked = call.service.ask_physician(
        call.token, call.path["note"], kind=_kind(call), text=_text(call, "text"), row_id=_row_id(call)
    )
    return {"query": plain(asked)}


def _note_of(call: Call) -> str | None:
    value = call.body.get("note_id")
    return value if isinstance(value, str) else None


def _search(call: Call) -> dict[str, Any]:
    query = call.body.get("query", "")
    if not isinstance(query, str) or len(query) > 400:
        raise FieldError("query: must be text of at most 400 characters", record="request")
    hits = call.service.search_codes(
        call.token, query, note_id=_note_of(call), system=system_of(call.body), limit=_HITS
    )
    return {"hits": plain(hits)}


def _details(call: Call) -> dict[str, Any]:
    system = system_of(call.body)
    if system is None:
        raise FieldError("system: is missing", record="request")
    details = call.service.code_details(call.token, system, _text(call, "code"), note_id=_note_of(call))
    return {"details": plain(details)}


def _mine(call: Call) -> dict[str, Any]:
    return {"mine": plain(call.service.my_codes(call.token))}


def _favourite(call: Call) -> dict[str, Any]:
    system = system_of(call.body)
    if system is None:
        raise FieldError("system: is missing", record="request")
    mine = call.service.set_favourite(
        call.token, system, _text(call, "code"), favourite=call.body.get("favourite") is True
    )
    return {"mine": plain(mine)}


def _download(body: bytes, kind: str, name: str) -> Response:
    headers = {"content-disposition": f'attachment; filename="{name}"', "cache-control": "no-store"}
    return Response(body, media_type=kind, headers=headers)


def _export_csv(call: Call) -> Response:
    body = call.service.export_csv(call.token, (call.path["note"],))
    return _download(body, "text/csv; charset=utf-8", "coding-summary.csv")


def _export_json(call: Call) -> Response:
    body = call.service.export_json(call.token, (call.path["note"],))
    return _download(body, "application/json", "coding-summary.json")


def _export_claim(call: Call) -> Response:
    from suggester.ui.claims import export_claim  # loads what writes PDF, X12 and FHIR: at first use

    path = call.path
    out = export_claim(call.service, call.token, path["note"], path["form"], f".{path['ending']}")
    return _download(out.body, out.media, out.name)
