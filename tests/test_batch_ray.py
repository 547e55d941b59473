"""The Ray executor's logic with a stand-in for Ray; the real one is killed in ``test_batch_kill``."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from test_batch_fakes import FakeEngine, broken_engine, fake_engine, no_store

from suggester.batch import Job
from suggester.batch.executors import Stop
from suggester.batch.ray_engine import RayExecutor
from suggester.batch.shards import cut
from suggester.batch.work import body_lines
from suggester.config import Settings
from suggester.errors import StoreMissingError, SuggesterError
from suggester.types import Note


class ActorError(Exception):
    pass


class FakeRay:
    """Calls actors at once; one whose engine raises ``SystemExit`` is dead."""

    exceptions = SimpleNamespace(RayActorError=ActorError)

    def __init__(self) -> None:
        self.alive = False
        self.killed = 0

    def is_initialized(self) -> bool:
        return self.alive

    def init(self, **_: object) -> None:
        self.alive = True

    def shutdown(self) -> None:
        self.alive = False

    def kill(self, _: object) -> None:
        self.killed += 1

    def remote(self, **_: object) -> Any:
        return lambda kind: SimpleNamespace(remote=lambda *given: self._actor(kind(*given)))

    def _actor(self, made: Any) -> Any:
        return SimpleNamespace(
            identity=SimpleNamespace(remote=lambda: [made.identity]),
            do=SimpleNamespace(remote=lambda items: _Handle(made.do, items)),
        )

    def get(self, handle: Any) -> Any:
        call, *given = handle.given if isinstance(handle, _Handle) else handle
        try:
            return call(*given)
        except SystemExit:
            raise ActorError from None

    def wait(self, handles: list[Any], **_: object) -> tuple[list[Any], list[Any]]:
        return handles[:1], handles[1:]


class _Handle:
    def __init__(self, *given: Any) -> None:
        self.given = given


class Mortal(FakeEngine):
    def suggest(self, note: Note):  # type: ignore[no-untyped-def]
        if "DEADLY" in note.text:
            raise SystemExit
        return super().suggest(note)


def executor(tmp_path: Path, factory: Any, ray: FakeRay) -> RayExecutor:
    settings = Settings(store_dir=tmp_path)
    return RayExecutor(ray, settings=settings, factory=factory, job=Job(), workers=2)


def test_a_note_that_kills_its_actor_costs_no_other(tmp_path: Path) -> None:
    ray = FakeRay()
    doing = executor(tmp_path, lambda _: Mortal(), ray)
    assert doing.identity() == {"engine": "Mortal"}
    texts = ["cough"] * 20
    texts[6] = "DEADLY"
    notes = (Note(id=f"n{n}", text=text) for n, text in enumerate(texts))
    found = {s.number: done for s, done in doing.results(cut(notes, config="x", records=5), stop=Stop())}
    assert sorted(found) == [0, 1, 2, 3]
    kinds = [is_note for number in range(4) for is_note, _ in body_lines(found[number].body)]
    assert kinds == [n != 6 for n in range(20)]
    assert found[1].tally.failures == {"worker_died": 1}
    assert doing.finished() == 0
    doing.close()
    assert not ray.alive


def test_a_stop_takes_no_more(tmp_path: Path) -> None:
    doing = executor(tmp_path, fake_engine, FakeRay())
    stop = Stop()
    stop.set()
    assert list(doing.results(iter(()), stop=stop)) == []


@pytest.mark.parametrize(
    ("factory", "kind", "message"),
    [(no_store, StoreMissingError, "codesets build"), (broken_engine, SuggesterError, "cannot be loaded")],
)
def test_an_engine_that_cannot_be_loaded_ends_the_run(
    tmp_path: Path, factory: Any, kind: type[Exception], message: str
) -> None:
    with pytest.raises(kind, match=message):
        executor(tmp_path, factory, FakeRay()).identity()


def test_machines_with_different_engines_are_refused(tmp_path: Path) -> None:
    made = iter("ab")

    def factory(_: Settings) -> FakeEngine:
        engine = FakeEngine()
        engine.identity = {"engine": next(made)}  # type: ignore[attr-defined]
        return engine

    with pytest.raises(SuggesterError, match="not the same engine"):
        executor(tmp_path, factory, FakeRay()).identity()
