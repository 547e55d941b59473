"""spaCy is imported without its command line, which stays importable."""

import subprocess
import sys


def run(code: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.strip()


def test_reading_imports_no_command_line_and_no_http_client():
    code = (
        "import sys, suggester.pipeline;"
        "print([m for m in ('spacy.cli', 'weasel', 'httpx', 'requests') if m in sys.modules])"
    )
    assert run(code) == "[]"


def test_command_line_of_spacy_can_still_be_imported():
    code = "import suggester.pipeline, spacy.cli; print(spacy.cli.download.__module__, spacy.info.__name__)"
    assert run(code).startswith("spacy.cli.download")


def test_spacy_imported_before_is_left_alone():
    code = (
        "import spacy, sys; before = sys.modules['spacy.cli']; import suggester.pipeline;"
        "print(sys.modules['spacy.cli'] is before)"
    )
    assert run(code) == "True"
