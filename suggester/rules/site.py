"""A site's own rules: a Python file with a registry called ``rules`` and examples, run as it is read."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

from suggester.errors import RuleFileError
from suggester.rules.case import Case, Knowledge
from suggester.rules.registry import Registry
from suggester.rules.subject import Subject

PREFIX = "site."
"""Ids of a site's rules begin so, and never meet one of ours."""


def load_site(path: Path, knowledge: Knowledge) -> Registry:
    """The rules of a site's file, after running its examples.

    The file names its registry ``rules`` and its examples ``examples``: for each rule id a subject on which
    it raises a flag and one on which it does not. The file is code and is run: only the owner of the machine
    may name it.

    Parameters
    ----------
    path
        The file.
    knowledge
        What the examples look up.

    Raises
    ------
    RuleFileError
        If the file is missing or does not run, lacks ``rules`` or ``examples``, an id does not begin with
        ``site.``, or an example does not do what it says; names file and rule.
    """
    module = _run(path)
    rules = getattr(module, "rules", None)
    examples = getattr(module, "examples", None)
    if not isinstance(rules, Registry) or not len(rules):
        raise RuleFileError(f"{path.name}: it has no registry 'rules' with rules in it")
    if not isinstance(examples, dict):
        raise RuleFileError(f"{path.name}: it has no dictionary 'examples'")
    if unknown := sorted(str(name) for name in examples if name not in rules):
        raise RuleFileError(f"{path.name}: examples for rules that it has not: {', '.join(unknown)}")
    for rule in rules:
        if not rule.id.startswith(PREFIX):
            raise RuleFileError(f"{path.name}: rule {rule.id!r}: ids of a site begin with {PREFIX!r}")
        pair = examples.get(rule.id)
        if not (isinstance(pair, tuple) and len(pair) == 2 and all(isinstance(s, Subject) for s in pair)):
            raise RuleFileError(
                f"{path.name}: rule {rule.id!r} needs two examples: a subject that raises it and one not"
            )
        for subject, wanted in zip(pair, (True, False), strict=True):
            try:
                raised = bool(list(rule.flags(Case(subject, knowledge))))
            except Exception as error:
                raise RuleFileError(
                    f"{path.name}: rule {rule.id!r} fails on its example ({type(error).__name__})"
                ) from error
            if raised != wanted:
                said = (
                    "raises no flag on its first example" if wanted else "raises a flag on its second example"
                )
                raise RuleFileError(f"{path.name}: rule {rule.id!r} raises {said}")
    return rules


def _run(path: Path) -> Any:
    spec = importlib.util.spec_from_file_location("suggester_site_rules", path)
    if spec is None or spec.loader is None or not path.is_file():
        raise RuleFileError(f"{path.name}: there is no such Python file of rules")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        line = error.lineno if isinstance(error, SyntaxError) else None
        where = f" at line {line}" if line else ""
        raise RuleFileError(f"{path.name}: it does not run ({type(error).__name__}{where})") from error
    return module
