"""The commands that send no request: score, show, list, doctor."""

import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from evalsvc.cli.failing import guarded, remark
from evalsvc.cli.tracking import tell_of
from evalsvc.config import load_config
from evalsvc.config.load import LoadedConfig
from evalsvc.config.secrets import redacted
from evalsvc.deriving.verdict import exit_code, next_steps
from evalsvc.errors import JournalDamaged, UsageError
from evalsvc.journal.doctor import Diagnosis
from evalsvc.jsonio import dumps
from evalsvc.pipeline.launch import holder
from evalsvc.pipeline.prepare import check_numbers
from evalsvc.pipeline.price import price_again
from evalsvc.records import Summary
from evalsvc.reduce.plan import Plan
from evalsvc.reduce.run import is_behind, known_summary, summary_to_show
from evalsvc.report.streams import write_out
from evalsvc.rundir import Manifest, RunDir, all_runs, command_of, find_run


def score_command(
    named: str | None, *, config: Path | None, overrides: Sequence[str], json: bool, scores: Path | None = None, by: Sequence[str] = ()
) -> int:
    from evalsvc.deriving.derive import derive_run
    from evalsvc.journal.lock import RunLock

    def work() -> int:
        if by and scores is None:
            raise UsageError("--by slices the scores of a file, and there is none", hint="name it with --scores")
        run = find_run(named)
        with RunLock.acquire(run.lock, holder=holder()):
            _take_scoring(run, config, overrides)
            if scores is not None:
                _join_scores(run, scores, by)
            summary = derive_run(run)
            tell_of(run)
        return print_run(run, summary, json=json)

    return guarded(work, json_result=json)


def _join_scores(run: RunDir, scores: Path, by: Sequence[str]) -> None:
    from evalsvc.reduce.run import join_scores

    taken = join_scores(run, scores, by)
    names = ", ".join(f"ext.{name}" for name in taken.names)
    parts = [
        f"{names} for {taken.matched:,} rows, kept as {taken.path}",
        f"{taken.unknown:,} ids in {scores} are not this run's" if taken.unknown else "",
        f"columns left out, as they hold no numbers: {', '.join(taken.left_out)}" if taken.left_out else "",
    ]
    remark("; ".join(filter(None, parts)))


def _take_scoring(run: RunDir, config: Path | None, overrides: Sequence[str]) -> None:
    """What is scored, and how, is taken from the config file as it is now; what was asked stays what it was."""
    manifest = _manifest(run)
    file = config or (Path(manifest.config_file) if manifest.config_file else None)
    if file is None or (config is None and not file.exists()):
        if overrides:
            raise UsageError("--set needs the run's config file, and it is gone", hint="name one with --config")
        return
    loaded: LoadedConfig = load_config(file, environ=os.environ, overrides=overrides)
    now = redacted(loaded.config)
    kept = {**manifest.config, **{key: now[key] for key in ("task", "scoring", "metrics", "slices", "gates", "max_error_rate")}}
    # the rows of a run come in groups that were settled when it was asked
    settled = manifest.config["dataset"]["group"] if "runs" in manifest.dataset else None
    kept["dataset"] = {**manifest.config["dataset"], "group": now["dataset"]["group"] or settled}
    price, source = price_again(now["model"]["price"], manifest.config["model"]["price"], manifest.price_source)
    kept["model"] = {**manifest.config["model"], "price": price}
    if kept != dict(manifest.config):
        changed = replace(manifest, config=kept, price_source=source)
        # what cannot be scored is not to be what is scored by
        check_numbers(Plan.of(run, changed, loaded.where).config, loaded.where)
        remark(f"scoring as {file} has it now, changed since the run")
        changed.write(run)


def show_command(named: str | None, *, json: bool, methods: bool = False) -> int:
    def work() -> int:
        run = find_run(named)
        summary = summary_to_show(run)
        if is_behind(run):
            remark(f"the run went on after these numbers were made; evalsvc score {run.typed} brings them up to date")
        return _print_methods(run, summary, json=json) if methods else print_run(run, summary, json=json)

    return guarded(work, json_result=json)


def _print_methods(run: RunDir, summary: Summary, *, json: bool) -> int:
    from evalsvc.report.console import open_console
    from evalsvc.report.methods import methods, print_methods

    paragraphs = methods(summary, _manifest(run))
    if json:
        write_out(sys.stdout, dumps({"run_dir": str(run.path), "methods": paragraphs[0], "metrics": paragraphs[1:]}) + b"\n")
    else:
        print_methods(paragraphs, stdout=sys.stdout, width=open_console(sys.stdout, os.environ).width)
    return 0


def print_run(run: RunDir, summary: Summary, *, json: bool) -> int:
    """Exits as the run's numbers say; a partial run is no verdict, so it exits 0."""
    from evalsvc.report import print_result, print_result_event
    from evalsvc.report.step_summary import append_run

    manifest = _manifest(run)
    code = 0 if summary["status"] == "partial" else exit_code(summary, Plan.of(run, manifest).config)
    append_run(summary, str(run.path), os.environ, exit_code=code)
    if json:
        print_result_event(summary, str(run.path), stdout=sys.stdout, exit_code=code)
    else:
        steps = next_steps(summary, str(run.path), command_of(run, manifest, config_file="CONFIG"))
        print_result(summary, str(run.path), stdout=sys.stdout, environ=os.environ, exit_code=code, next_steps=steps)
    return code


def list_command(name: str | None, *, json: bool) -> int:
    from evalsvc.cli.listing import row_of
    from evalsvc.report import print_list

    def work() -> int:
        runs = [run for run in all_runs() if name is None or run.path.parent.name == name]
        if json:
            for run in runs:
                write_out(sys.stdout, dumps({"run_dir": str(run.path), "summary": known_summary(run)}) + b"\n")
        elif runs:
            print_list([row_of(run, datetime.now(UTC)) for run in runs], stdout=sys.stdout, environ=os.environ)
        else:
            what = "no run yet" if name is None else f"no run of {name!r}"
            write_out(sys.stdout, f"{what} under runs/; start one with: evalsvc run eval.yaml\n")
        return 0

    return guarded(work)


def doctor_command(named: str | None, *, repair: bool, json: bool) -> int:
    from evalsvc.journal.doctor import doctor, doctor_repair

    def work() -> int:
        run = find_run(named)
        with suppress(JournalDamaged):  # only a run of a newer version is none of ours
            Manifest.read(run)
        diagnosis = doctor_repair(run.path, datetime.now(UTC)) if repair else doctor(run.path)
        write_out(sys.stdout, (_as_json(diagnosis) if json else _in_words(diagnosis, run, repaired=repair)) + "\n")
        return 0 if diagnosis.healthy or not diagnosis.damaged else JournalDamaged.exit_code

    return guarded(work)


def _in_words(diagnosis: Diagnosis, run: RunDir, *, repaired: bool) -> str:
    lines = [
        f"{diagnosis.journal}",
        f"  {diagnosis.records:,} records of {diagnosis.rows:,} rows, {diagnosis.errors:,} in error, {diagnosis.superseded:,} superseded",
        *(f"  damaged: line {damage.line_number}, at byte {damage.offset}: {damage.reason}" for damage in diagnosis.damaged[:20]),
    ]
    if len(diagnosis.damaged) > 20:
        lines.append(f"  and {len(diagnosis.damaged) - 20:,} more damaged lines")
    if diagnosis.unwritten:
        lines.append(
            f"  {len(diagnosis.unwritten):,} lines that a power loss left holes in, which the next run moves to quarantine/ by itself"
        )
    if diagnosis.torn:
        lines.append(f"  an unfinished end of {diagnosis.torn:,} bytes, which the next run puts right by itself")
    if diagnosis.locked_by:
        lines.append(f"  in use by {diagnosis.locked_by}")
    lines += [f"  moved to {path}" for path in diagnosis.quarantined]
    if diagnosis.damaged:
        lines.append(f"  next: evalsvc doctor {run.typed} --repair moves them to quarantine/, and their rows are asked again")
    elif repaired and diagnosis.quarantined:
        lines.append("  repaired; the next evalsvc run asks those rows again")
    elif diagnosis.healthy:
        lines.append("  healthy")
    return "\n".join(lines)


def _as_json(diagnosis: Diagnosis) -> str:
    damaged = [{"line": damage.line_number, "offset": damage.offset, "reason": damage.reason} for damage in diagnosis.damaged]
    fields = {name: getattr(diagnosis, name) for name in ("records", "rows", "errors", "superseded", "torn", "locked_by")}
    fields["unwritten"] = len(diagnosis.unwritten)
    more = {"damaged": damaged, "quarantined": [str(path) for path in diagnosis.quarantined], "healthy": diagnosis.healthy}
    return dumps({**fields, **more}).decode()


def _manifest(run: RunDir) -> Manifest:
    manifest = Manifest.read(run)
    if manifest is None:
        raise UsageError(f"{run.path} has no run.json", hint="name a run directory, as evalsvc list shows them")
    return manifest
