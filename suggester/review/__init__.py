"""Review of suggestions by people: roles, leases, decisions, finishing, second coding, figures."""

from suggester.review.service import ReviewService, open_review

__all__ = ["ReviewService", "open_review"]
