"""The HTTP service against its own OpenAPI document, with every role: schemathesis makes the requests."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import Case
from schemathesis.specs.openapi.checks import ignored_auth

from suggester.api import ApiLimits, create_app
from suggester.review import ReviewService, open_review
from suggester.review.types import ROLES, Role
from suggester.suggest import load

EXAMPLES = int(os.environ.get("SUGGESTER_API_EXAMPLES", "4"))
"""Requests an operation and role, twice (well formed and not); set the variable to try more by hand."""


@pytest.fixture(scope="module")
def service() -> Iterator[ReviewService]:
    opened = open_review(demo=True)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def document(service: ReviewService) -> schemathesis.BaseSchema:
    limits = ApiLimits(per_minute=10_000_000, notes=20, jobs=100_000)
    return schemathesis.openapi.from_asgi("/openapi.json", create_app(service, load, limits=limits))


@pytest.mark.slow
@pytest.mark.parametrize("role", ROLES)
def test_the_service_keeps_its_document(
    document: schemathesis.BaseSchema, service: ReviewService, role: Role
) -> None:
    tried = 0
    for found in document.get_all_operations():
        operation = found.ok()
        wanted = operation.definition.raw
        for mode in schemathesis.GenerationMode:
            if mode.is_negative and not (wanted.get("parameters") or wanted.get("requestBody")):
                continue  # takes nothing that could be malformed

            @settings(
                max_examples=EXAMPLES,
                deadline=None,
                derandomize=True,
                phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
                database=None,
            )
            @given(case=operation.as_strategy(generation_mode=mode))
            def keep(case: Case) -> None:
                token = service.demo_sign_in(role).token
                case.call_and_validate(
                    headers={"Authorization": f"Bearer {token}"},
                    excluded_checks=[ignored_auth],  # test_api.py tries every route without a token
                )

            keep()
            tried += 1
    assert tried >= 30
