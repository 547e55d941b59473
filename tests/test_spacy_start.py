"""spaCy is imported without its command line, which stays importable."""

import gc
import subprocess
import sys

import pytest

from suggester.spacy_start import without_collecting


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


def test_reading_imports_no_yaml_and_one_pydantic():
    code = (
        "import sys, suggester.pipeline;"
        "print([m for m in sys.modules if m.startswith(('pydantic.v1', 'srsly.ruamel', 'srsly._yaml'))])"
    )
    assert run(code) == "[]"


def test_yaml_and_the_first_pydantic_can_still_be_imported():
    code = (
        "import suggester.pipeline, srsly, pydantic.v1, srsly._yaml_api;"
        "print(srsly.yaml_loads('a: 1'), srsly._yaml_api.yaml_dumps({'b': 2}).strip(),"
        " srsly.is_yaml_serializable({}), pydantic.v1.BaseModel.__module__)"
    )
    assert run(code) == "{'a': 1} b: 2 True pydantic.v1.main"


def test_a_pipeline_of_spacy_can_be_built_saved_and_read(tmp_path):
    code = (
        "import suggester.pipeline, spacy, sys; nlp = spacy.blank('en'); nlp.add_pipe('sentencizer');"
        "nlp.to_disk(sys.argv[1]); print(spacy.load(sys.argv[1]).pipe_names)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "['sentencizer']"


def test_collection_of_garbage_is_left_as_it_was():
    assert run("import gc; gc.disable(); import suggester.pipeline; print(gc.isenabled())") == "False"
    assert run("import gc, suggester.pipeline; print(gc.isenabled())") == "True"


def test_work_without_collecting_may_overlap() -> None:
    first, second = without_collecting(), without_collecting()
    first.__enter__()
    assert not gc.isenabled()
    second.__enter__()
    first.__exit__(None, None, None)
    assert gc.isenabled()
    second.__exit__(None, None, None)
    assert gc.isenabled()
    with pytest.raises(ValueError, match="stop"), without_collecting():
        raise ValueError("stop")
    assert gc.isenabled()


def test_command_line_of_spacy_can_still_be_imported():
    code = "import suggester.pipeline, spacy.cli; print(spacy.cli.download.__module__, spacy.info.__name__)"
    assert run(code).startswith("spacy.cli.download")


def test_spacy_imported_before_is_left_alone():
    code = (
        "import spacy, sys; before = sys.modules['spacy.cli']; import suggester.pipeline;"
        "print(sys.modules['spacy.cli'] is before)"
    )
    assert run(code) == "True"
