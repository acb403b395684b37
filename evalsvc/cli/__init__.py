"""The command line: parse, call, print, exit code; nothing else.

Importing this imports typer and no station: `--help` must be quick, and each command loads what it needs.
"""

import os
import sys
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from evalsvc import __version__

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    help="Run a labelled test set through a model, survive being killed, and answer with numbers a team can decide on.",
    epilog="Exit codes: 0 passed, 2 usage, 3 gate failed, 4 too many errors, 5 credentials or quota, 6 endpoint down, "
    "7 another measurement, 8 run in use, 9 storage, 10 journal damaged, 11 budget spent, 75 stopped and resumable.",
)

baseline_app = typer.Typer(rich_markup_mode=None, no_args_is_help=True, help="Keep a run as a file that later runs are held against.")
app.add_typer(baseline_app, name="baseline")


def _settings(given: list[str] | None) -> list[str] | None:
    """Looked at before what follows: of "--set KEY VALUE" typer would show the value as an argument too many, and it may be secret."""
    if not all("=" in setting for setting in given or ()):
        raise typer.BadParameter("expected KEY=VALUE, as in model.name=gpt-4.1")
    return given


Source = Annotated[str, typer.Argument(metavar="CONFIG|DATA", help="Usually eval.yaml; or a data file, and flags in place of a config.")]
Input = Annotated[str | None, typer.Option("--input", metavar="COLUMN", help="With DATA: the texts; default: the one that looks like it.")]
Target = Annotated[str | None, typer.Option("--target", metavar="COLUMN", help="With DATA: the right answers.")]
Id = Annotated[str | None, typer.Option("--id", metavar="COLUMN", help="With DATA: unique ids; default: hashes of the rows.")]
Model = Annotated[str | None, typer.Option("--model", metavar="NAME", help="With DATA: the model.")]
BaseUrl = Annotated[str | None, typer.Option("--base-url", metavar="URL", help="With DATA: where; default OPENAI_BASE_URL, else OpenAI.")]
System = Annotated[str | None, typer.Option("--system", metavar="TEXT", help="With DATA: the system message; default: names the labels.")]
UserPrompt = Annotated[str | None, typer.Option("--prompt", metavar="TEXT", help="With DATA: the user message; default {{ input }}.")]
Name = Annotated[str | None, typer.Option("--name", metavar="NAME", help="With DATA: the folder under runs/; default: the file's name.")]
Run = Annotated[str | None, typer.Argument(metavar="RUN", help="A run directory, NAME/ID or NAME; default: the newest run.")]
RunOrAnswers = Annotated[str | None, typer.Argument(metavar="RUN|FILE", help="A run, or a file of answers; default: the newest run.")]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Override a config key, as in model.name=gpt-4.1.", callback=_settings),
]
Json = Annotated[bool, typer.Option("--json", help="JSON Lines on stdout; the last one is the result.")]


RunId = Annotated[str | None, typer.Option(envvar="EVALSVC_RUN_ID", help="Name this measurement; default: from what is measured.")]
RunDirectory = Annotated[Path | None, typer.Option(envvar="EVALSVC_RUN_DIR", help="The run directory outright.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress, only the result.")]
Reuse = Annotated[str | None, typer.Option(metavar="RUN", help="Take over what RUN was answered, where the very same would be asked.")]
ReuseAnyway = Annotated[bool, typer.Option("--reuse-anyway", help="With --reuse: though the weights may be others.")]
Limit = Annotated[int | None, typer.Option(min=1, help="Only the first so many rows.")]


class OnDrift(StrEnum):
    stop = "stop"
    rerun = "rerun"


@app.callback(invoke_without_command=True)
def root(version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False) -> None:
    if version:
        typer.echo(f"evalsvc {__version__}")
        raise typer.Exit


@app.command()
def init(
    data: Annotated[str, typer.Argument(metavar="DATA", help="A file of rows, or a URL.")],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FILE", help="The config to write.")] = Path("eval.yaml"),
    force: Annotated[bool, typer.Option("--force", help="Overwrite what is there.")] = False,
) -> None:
    """Look at a data file and write a commented eval.yaml that runs."""
    from evalsvc.cli.init import init_command

    sys.exit(init_command(data, out=out, force=force))


@app.command()
def run(
    source: Source,
    run_id: RunId = None,
    run_dir: RunDirectory = None,
    limit: Limit = None,
    max_runtime: Annotated[
        str | None, typer.Option(metavar="TIME", help="Stop after so long, as in 90s, 45m, 6h; exit 75.  [env var: EVALSVC_MAX_RUNTIME]")
    ] = None,
    retry_failed: Annotated[bool, typer.Option("--retry-failed", help="Ask rows again that failed for good earlier.")] = False,
    on_drift: Annotated[
        OnDrift, typer.Option(help="Where the run directory holds another measurement: stop (exit 7), or ask every row again.")
    ] = OnDrift.stop,
    reuse: Reuse = None,
    reuse_anyway: ReuseAnyway = False,
    set_: Set = None,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Tracebacks with errors.")] = False,
    input_: Input = None,
    target: Target = None,
    id_: Id = None,
    model: Model = None,
    base_url: BaseUrl = None,
    system: System = None,
    prompt: UserPrompt = None,
    name: Name = None,
) -> None:
    """Start the evaluation, or carry on where it stopped."""
    from evalsvc.cli.run import run_command
    from evalsvc.starting.direct import Direct

    direct = Direct(input=input_, target=target, id=id_, model=model, base_url=base_url, system=system, prompt=prompt, name=name)
    overrides = [*(set_ or ()), *_flags({"dataset.limit": limit, "budget.runtime": max_runtime})]
    sys.exit(
        run_command(
            source,
            direct,
            run_id=run_id,
            run_dir=run_dir,
            retry_failed=retry_failed,
            on_drift=on_drift.value,
            reuse=reuse,
            reuse_anyway=reuse_anyway,
            overrides=overrides,
            json=json,
            quiet=quiet,
            verbose=verbose,
        )
    )


@app.command()
def plan(
    source: Source,
    ask: Annotated[int | None, typer.Option(min=1, metavar="N", help="Send N rows, show them, and measure; they count as done.")] = None,
    run_id: RunId = None,
    run_dir: RunDirectory = None,
    limit: Limit = None,
    reuse: Reuse = None,
    reuse_anyway: ReuseAnyway = False,
    set_: Set = None,
    json: Json = False,
    quiet: Quiet = False,
    input_: Input = None,
    target: Target = None,
    id_: Id = None,
    model: Model = None,
    base_url: BaseUrl = None,
    system: System = None,
    prompt: UserPrompt = None,
    name: Name = None,
) -> None:
    """Rows, tokens, cost and time of an evaluation, before it is run."""
    from evalsvc.cli.plan import plan_command
    from evalsvc.starting.direct import Direct

    direct = Direct(input=input_, target=target, id=id_, model=model, base_url=base_url, system=system, prompt=prompt, name=name)
    overrides = [*(set_ or ()), *_flags({"dataset.limit": limit})]
    if ask is not None and reuse is not None:
        raise typer.BadParameter("what can be taken over costs nothing: evalsvc run --reuse first, then plan --ask", param_hint="--reuse")
    sys.exit(
        plan_command(
            source,
            direct,
            ask=ask,
            run_id=run_id,
            run_dir=run_dir,
            reuse=reuse,
            reuse_anyway=reuse_anyway,
            overrides=overrides,
            json=json,
            quiet=quiet,
        )
    )


@app.command()
def score(
    run: RunOrAnswers = None,
    config: Annotated[
        Path | None, typer.Option(help="Take scoring, metrics and gates from here; default: the run's own config file.")
    ] = None,
    scores: Annotated[
        Path | None, typer.Option(help="Join per-row scores made elsewhere, by id (JSON Lines, CSV …): each column becomes ext.<column>.")
    ] = None,
    by: Annotated[list[str] | None, typer.Option(metavar="COLUMN", help="With --scores: a column of that file to slice by.")] = None,
    output: Annotated[str | None, typer.Option(metavar="COLUMN", help="FILE: the column with the model's text.")] = None,
    target: Annotated[str | None, typer.Option(metavar="COLUMN", help="FILE: the column with the right answer.")] = None,
    id_: Annotated[str | None, typer.Option("--id", metavar="COLUMN", help="FILE: a column with unique ids.")] = None,
    labels: Annotated[str | None, typer.Option(metavar="A,B,…", help="FILE: the labels; default: the targets that occur.")] = None,
    name: Annotated[str | None, typer.Option(help="FILE: the name of the run; default: that of the file.")] = None,
    run_dir: Annotated[Path | None, typer.Option(help="FILE: the run directory outright.")] = None,
    set_: Set = None,
    json: Json = False,
) -> None:
    """Score a run, or answers that exist already, without one request."""
    if output is not None or (run is not None and Path(run).is_file()):
        if scores is not None or by:
            raise typer.BadParameter(
                "with a FILE of answers, join the scores afterwards: evalsvc score RUN --scores …", param_hint="--scores"
            )
        from evalsvc.cli.answers import Given, answers_command

        given = Given(file=run, output=output, target=target, id=id_, labels=labels, name=name, config=config, run_dir=run_dir)
        sys.exit(answers_command(given, overrides=set_ or [], json=json))

    from evalsvc.cli.read import score_command

    sys.exit(score_command(run, config=config, overrides=set_ or [], scores=scores, by=by or [], json=json))


@app.command()
def show(
    run: Run = None,
    methods: Annotated[bool, typer.Option("--methods", help="Print what a paper must say: data, model, decoding, definitions.")] = False,
    json: Json = False,
) -> None:
    """Print the result of a run."""
    from evalsvc.cli.read import show_command

    sys.exit(show_command(run, json=json, methods=methods))


@app.command()
def report(
    run: Run = None,
    against: Annotated[
        str | None, typer.Option(metavar="OTHER", help="Hold it against another run, or a baseline file, row by row.")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", metavar="FILE", help="Default: report.html in the run directory.")] = None,
    open_: Annotated[bool, typer.Option("--open", help="Show it in the browser.")] = False,
    json: Json = False,
) -> None:
    """Write the report of a run as one HTML file, and print its path."""
    from evalsvc.cli.report import report_command

    sys.exit(report_command(run, against=against, out=out, opens=open_, json=json))


@app.command()
def compare(
    runs: Annotated[
        list[str] | None,
        typer.Argument(metavar="RUN", help="Runs, or baseline files; one alone is compared with the run before it."),
    ] = None,
    format_: Annotated[
        str | None,
        typer.Option("--format", metavar="FORMAT", help="table, json, csv, markdown, latex or html; default: as FILE ends, else table."),
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", metavar="FILE", help="Write it there.")] = None,
    metric: Annotated[list[str] | None, typer.Option(metavar="NAME", help="Only this one; may be repeated.")] = None,
    flips: Annotated[int | None, typer.Option(min=0, metavar="N", help="Rows that came out another way to show; default: 20.")] = None,
    json: Annotated[bool, typer.Option("--json", help="As --format json.")] = False,
) -> None:
    """Hold runs against each other, row by row. Each difference has its interval, and what flipped is shown."""
    from evalsvc.cli.compare import compare_command

    if json and format_ not in (None, "json"):
        raise typer.BadParameter(f"--json is --format json, and --format {format_} is there too: leave one out", param_hint="--json")
    sys.exit(compare_command(runs or [], form="json" if json else format_, out=out, metrics=metric or [], flips=flips))


@baseline_app.command("save")
def baseline_save(
    run: Run = None,
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FILE", help="The file to write.")] = Path("baseline.jsonl.gz"),
    force: Annotated[bool, typer.Option("--force", help="Save a run that is not complete; overwrite what is no baseline file.")] = False,
    json: Json = False,
) -> None:
    """Write what later runs need to be held against this one. It has no texts, so that it can be committed."""
    from evalsvc.cli.baseline import save_command

    sys.exit(save_command(run, out=out, force=force, json=json))


@app.command("list")
def list_(name: Annotated[str | None, typer.Argument(metavar="NAME", help="Only runs of this name.")] = None, json: Json = False) -> None:
    """List the runs under runs/, the newest first."""
    from evalsvc.cli.read import list_command

    sys.exit(list_command(name, json=json))


@app.command()
def history(
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="A name under runs/; default: that of the newest run.")] = None,
    metric: Annotated[
        list[str] | None, typer.Option(metavar="METRIC", help="As gates name it; default: what the newest run's gates name.")
    ] = None,
    last: Annotated[int, typer.Option(min=1, metavar="N", help="So many of the newest runs.")] = 30,
    html: Annotated[Path | None, typer.Option(metavar="FILE", help="Write a page with a chart for each metric.")] = None,
    json: Json = False,
) -> None:
    """The numbers of a name's runs, night by night. What changed beyond noise is marked."""
    from evalsvc.cli.history import history_command

    sys.exit(history_command(name, metrics=metric or [], last=last, html=html, json=json))


@app.command()
def prune(
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="Only runs of this name.")] = None,
    keep: Annotated[int | None, typer.Option(min=0, metavar="N", help="Keep the last N complete runs of each name.")] = None,
    days: Annotated[float | None, typer.Option(min=0, metavar="D", help="Keep what is younger than D days.")] = None,
    partial: Annotated[bool, typer.Option("--partial", help="Let runs go too that could be carried on.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Delete; without it, only say what would be.")] = False,
    json: Json = False,
) -> None:
    """Delete old runs, but none that another is held against."""
    from evalsvc.cli.prune import prune_command

    sys.exit(prune_command(name, keep=keep, days=days, partial=partial, yes=yes, json=json))


@app.command()
def doctor(
    run: Run = None,
    repair: Annotated[bool, typer.Option("--repair", help="Move damaged lines to quarantine/; their rows are asked again.")] = False,
    json: Json = False,
) -> None:
    """Look whether a run's journal is whole, and mend it."""
    from evalsvc.cli.read import doctor_command

    sys.exit(doctor_command(run, repair=repair, json=json))


@app.command(
    context_settings={"ignore_unknown_options": True, "allow_extra_args": True, "help_option_names": []},
    add_help_option=False,
)
def sandbox(context: typer.Context) -> None:
    """Serve small real models behind OpenAI's API on this machine. Faults come on demand."""
    from evalsvc.sandbox.__main__ import main as serve

    sys.exit(serve(context.args, prog="evalsvc sandbox"))


def _flags(given: Mapping[str, object]) -> list[str]:
    """Options that stand for a config key, as `--set` has them."""
    return [f"{key}={value}" for key, value in given.items() if value is not None]


def main() -> None:
    """The entry point. A reader of our output that went away is no error of ours."""
    _fill_closed_streams()
    if os.environ.get("EVALSVC_LOG"):
        from evalsvc.report.json_log import log_as_json, logs_json

        if logs_json(os.environ):
            log_as_json()
    uncaught = sys.excepthook
    try:
        app(prog_name="evalsvc")
    except SystemExit as end:
        _tell_the_container(end.__context__)
        raise
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        sys.exit(0)
    finally:
        sys.excepthook = uncaught  # typer has put one of its own there


def _tell_the_container(misuse: BaseException | None) -> None:
    """Of a command line that typer did not understand; people were told why. One without a command may have been meant to be a `run`."""
    why = getattr(misuse, "format_message", None)
    context = getattr(misuse, "ctx", None)
    no_command = context is not None and context.parent is None
    if why is not None and (no_command or sys.argv[1:2] == ["run"]):
        from evalsvc.cli.ending import COMMAND_FIRST, misused

        message = why() if sys.argv[1:] else "no command"  # where typer gives its whole help page
        misused(message, hint=COMMAND_FIRST if no_command else "evalsvc run --help")


def _fill_closed_streams() -> None:
    """A standard stream closed by whoever started us becomes /dev/null, or the event loop's own files would take its number."""
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest free number, which is this one
    sys.stdout = sys.stdout or os.fdopen(1, "w")
    sys.stderr = sys.stderr or os.fdopen(2, "w")
