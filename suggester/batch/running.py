"""The batch run: read, suggest, write, each file whole or not there, and nothing that is done done again."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from suggester.batch.engine import EngineFactory, load_engine
from suggester.batch.executors import Executor, Here, Stop
from suggester.batch.files import sweep
from suggester.batch.manifest import Manifest
from suggester.batch.outputs import Format, publish, targets_of
from suggester.batch.parts import RunFolder, run_folder
from suggester.batch.pool import Pool
from suggester.batch.progress import Progress
from suggester.batch.shards import SHARD_RECORDS, Item, Shard, Share, cut
from suggester.batch.tally import Tally
from suggester.batch.work import Job
from suggester.config import Settings
from suggester.errors import ConfigError, InputError, RunStoppedError
from suggester.notes import Limits, Meter, ReadOptions, read_notes

__all__ = ["Choice", "ExecutorFactory", "Summary", "notes_of", "pool_executor", "run"]

type ExecutorFactory = Callable[[Settings, EngineFactory, Job, int], Executor]
"""Makes what does the shards, of settings, engine factory, job and number of workers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What a batch did. ``done`` counts every record, ``failed`` those in the errors file.

    ``resumed`` of them were done by an earlier run. ``left_out`` counts notes before ``since``, ``undated``
    those taken although they have no service date.
    """

    done: int
    failed: int
    seconds: float
    output: Path
    errors: Path | None
    resumed: int = field(default=0, compare=False)
    left_out: int = field(default=0, compare=False)
    undated: int = field(default=0, compare=False)
    tally: Tally = field(default_factory=Tally, compare=False)
    manifest: Manifest | None = field(default=None, compare=False)


@dataclass(slots=True, kw_only=True)
class Choice:
    """Which records of the input a run takes: of a share, from a day on, the first so many.

    ``left_out`` and ``undated`` are counted while records are chosen.
    """

    share: Share | None = None
    since: date | None = None
    limit: int | None = None
    left_out: int = 0
    undated: int = 0

    def of(self, items: Iterator[Item]) -> Iterator[Item]:
        """The records to take, in order."""
        return itertools.islice(self._taken(items), self.limit)

    def _taken(self, items: Iterator[Item]) -> Iterator[Item]:
        for item in items:
            if self.share is not None and not self.share.takes(item):
                continue
            if self.since is not None and not isinstance(item, InputError):
                if item.service_date is None:
                    self.undated += 1
                elif item.service_date < self.since:
                    self.left_out += 1
                    continue
            yield item


def pool_executor(settings: Settings, factory: EngineFactory, job: Job, workers: int) -> Executor:
    """This process for one worker, processes of this machine for more."""
    if workers == 1:
        return Here(settings=settings, factory=factory, job=job)
    return Pool(settings=settings, factory=factory, job=job, workers=workers)


def notes_of(
    source: str | Path, *, settings: Settings, reading: ReadOptions | None = None, meter: Meter | None = None
) -> Iterator[Item]:
    """The records of an input as every batch reads them: fields of gold notes are allowed and not read."""
    limits = Limits(chars=settings.max_note_chars)
    return read_notes(source, limits=limits, gold_fields=True, options=reading, meter=meter)


def run(
    source: str | Path,
    output: str | Path,
    *,
    settings: Settings,
    workers: int = 1,
    limit: int | None = None,
    factory: EngineFactory = load_engine,
    progress: Progress | None = None,
    executor: ExecutorFactory = pool_executor,
    job: Job | None = None,
    reading: ReadOptions | None = None,
    output_format: Format | None = None,
    share: Share | None = None,
    since: date | None = None,
    resume: bool = False,
    stop: Stop | None = None,
    shard_records: int = SHARD_RECORDS,
) -> Summary:
    """Make the suggestions of every note of ``source`` and write them to ``output``.

    The lines are in input order and the same bytes for any number of workers and any executor. Records that
    fail go to ``<output>.errors.jsonl``, which is not there when none did. Both files appear whole at the
    end; a run that is interrupted leaves what was there before, and keeps what it had done in
    ``<output>.run`` for ``resume``.

    Parameters
    ----------
    source
        What ``suggester.notes.read_notes`` reads. Fields of gold notes are allowed and not read.
    output
        The file to write, in a folder that exists; or a folder, which then gets ``suggestions.jsonl`` (or
        ``.csv``, ``.parquet``) and ``errors.jsonl``.
    settings
        Settings of the engine.
    workers
        Worker processes; one means this process.
    limit
        Take only the first so many records, failed ones included.
    factory
        Makes the engine; a function of a module where ``workers`` is over 1.
    progress
        Counts the notes.
    executor
        Makes what does the shards.
    job
        Limits on a note, and the confidence for automatic acceptance.
    reading
        How to read the source.
    output_format
        How to write; None goes by the ending of ``output``.
    share
        Take only this part of the records, chosen by their ids.
    since
        Leave out notes of service dates before this day. Notes without a date are taken.
    resume
        Go on with an unfinished run for this output, if there is one. Without it such a run is dropped.
    stop
        Once set, work in hand is finished and kept, and the run ends with ``RunStoppedError``.
    shard_records
        Most records that are done and written together.

    Returns
    -------
    Summary
        How many records there were and how many failed.

    Raises
    ------
    ConfigError
        If ``workers``, ``limit`` or ``output`` cannot be used.
    InputError
        If ``source`` is not there or not of a kind that is read.
    BatchError
        If the run cannot be resumed, the output is in use, the disk is full, or ``stop`` was set.
    SuggesterError
        If the engine cannot be loaded, or worker processes keep dying.
    """
    _check_count("workers", workers)
    if limit is not None:
        _check_count("limit", limit)
    job = job or Job()
    stop = Stop() if stop is None else stop
    progress = progress or Progress(None)
    targets = targets_of(output, source=source, output_format=output_format)
    choice = Choice(share=share, since=since, limit=limit)
    meter = Meter()
    notes = choice.of(notes_of(source, settings=settings, reading=reading, meter=meter))
    options = _options(job=job, choice=choice, reading=reading, shard_records=shard_records)
    with ExitStack() as stack:
        folder = RunFolder.take(run_folder(targets.output))
        keep = True
        try:
            before = folder.manifest() if resume else None
            for path in targets.all:
                sweep(path)
            doing = executor(settings, factory, job, workers)
            stack.callback(doing.close)
            manifest = Manifest(engine=doing.identity(), options=options)
            if before is None:
                folder.begin(manifest)
            else:
                before.check(manifest)
            tally, shards = _do(
                cut(notes, config=manifest.key, records=shard_records),
                folder=folder,
                doing=doing,
                progress=progress,
                stop=stop,
                meter=meter,
            )
            if stop:
                raise RunStoppedError(
                    f"stopped as asked; {progress.done} records are done and kept. Go on with --resume"
                )
            publish(folder.bodies(shards), targets=targets, failed=tally.failed)
            progress.finish()
            summary = Summary(
                done=tally.records,
                failed=tally.failed,
                seconds=progress.seconds,
                output=targets.output,
                errors=targets.errors if tally.failed else None,
                resumed=progress.resumed,
                left_out=choice.left_out,
                undated=choice.undated,
                tally=tally,
                manifest=manifest,
            )
            keep = False
            return summary
        except BaseException:
            keep = keep and folder.has_parts()
            raise
        finally:
            folder.release(keep=keep)


def _do(
    shards: Iterator[Shard],
    *,
    folder: RunFolder,
    doing: Executor,
    progress: Progress,
    stop: Stop,
    meter: Meter,
) -> tuple[Tally, int]:
    """Do every shard that is not done yet; returns the counts of all and how many shards there are."""
    total = Tally()
    count = 0

    def missing() -> Iterator[Shard]:
        nonlocal count
        for shard in shards:
            if stop:
                return
            count += 1
            known = folder.known(shard)
            if known is None:
                yield shard
            else:
                total.merge(known)
                progress.add(known.records, failed=known.failed, resumed=True)

    progress.share = meter.share
    progress.begin()
    for shard, done in doing.results(missing(), stop=stop):
        folder.write(shard, done)
        total.merge(done.tally)
        progress.add(done.tally.records, failed=done.tally.failed)
        progress.tick(doing.finished())
    return total, count


def _options(*, job: Job, choice: Choice, reading: ReadOptions | None, shard_records: int) -> dict[str, str]:
    """Options that change what is in a part, or which records it holds."""
    found = {
        "auto-accept": str(job.auto_accept),
        "note-seconds": f"{job.guard.seconds:g}",
        "note-memory": str(job.guard.memory_mb),
        "shard": str(choice.share),
        "since": str(choice.since),
        "limit": str(choice.limit),
        "records together": str(shard_records),
    }
    if reading is not None:
        found |= {f"reading {name}": value for name, value in reading.told().items()}
    return found


def _check_count(name: str, value: int) -> None:
    if value < 1:
        raise ConfigError(f"{name} must be 1 or more, not {value}")
