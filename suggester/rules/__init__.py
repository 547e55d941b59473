"""Rules: pure functions from codes, words and claims to flags that a coder must see.

``Rules.open(settings)`` gives the rules in force; ``check`` runs them on a subject and
``check_claim`` on a claim.
"""

from suggester.rules.case import Case, Knowledge, Limits, Placed
from suggester.rules.engine import Rules, set_aside, standing_errors
from suggester.rules.gate import Gate, gate
from suggester.rules.registry import BUILT_IN, Finding, Registry, Rule, rule
from suggester.rules.subject import STAGES, Diagnosis, EarlierService, Service, Stage, Subject, age_on
from suggester.rules.suggestion import Context, flags_of

__all__ = [
    "BUILT_IN",
    "STAGES",
    "Case",
    "Context",
    "Diagnosis",
    "EarlierService",
    "Finding",
    "Gate",
    "Knowledge",
    "Limits",
    "Placed",
    "Registry",
    "Rule",
    "Rules",
    "Service",
    "Stage",
    "Subject",
    "age_on",
    "flags_of",
    "gate",
    "rule",
    "set_aside",
    "standing_errors",
]
