"""The HTTP service: the engine and the review service for other programs, on the same rules as the app."""

from suggester.api.app import create_app
from suggester.api.limits import ApiLimits

__all__ = ["ApiLimits", "create_app"]
