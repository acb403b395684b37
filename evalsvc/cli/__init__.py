"""The command line: parse, call, print, exit code; nothing else.

Importing this imports typer and no station: `--help` must be quick, and each command loads what it needs.
"""

import os
import sys
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
    "7 another measurement, 8 run in use, 9 storage, 10 journal damaged, 75 stopped and resumable.",
)

Config = Annotated[Path, typer.Argument(metavar="CONFIG", help="The evaluation, usually eval.yaml.")]
Run = Annotated[str | None, typer.Argument(metavar="RUN", help="A run directory, NAME/ID or NAME; default: the newest run.")]
Set = Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Override a config key, as in model.name=gpt-4.1.")]
Json = Annotated[bool, typer.Option("--json", help="JSON Lines on stdout; the last one is the result.")]


@app.callback(invoke_without_command=True)
def root(version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False) -> None:
    if version:
        typer.echo(f"evalsvc {__version__}")
        raise typer.Exit


@app.command()
def run(
    config: Config,
    run_id: Annotated[
        str | None, typer.Option(envvar="EVALSVC_RUN_ID", help="Name this measurement; default: from what is measured.")
    ] = None,
    run_dir: Annotated[Path | None, typer.Option(help="The run directory outright.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Only the first so many rows.")] = None,
    retry_failed: Annotated[bool, typer.Option("--retry-failed", help="Ask rows again that failed for good earlier.")] = False,
    set_: Set = None,
    json: Json = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress, only the result.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Tracebacks with errors.")] = False,
) -> None:
    """Start the evaluation, or carry on where it stopped."""
    from evalsvc.cli.run import run_command

    overrides = [*(set_ or ()), *([f"dataset.limit={limit}"] if limit is not None else ())]
    sys.exit(
        run_command(
            config, run_id=run_id, run_dir=run_dir, retry_failed=retry_failed, overrides=overrides, json=json, quiet=quiet, verbose=verbose
        )
    )


@app.command()
def score(
    run: Run = None,
    config: Annotated[
        Path | None, typer.Option(help="Take scoring, metrics and gates from here; default: the run's own config file.")
    ] = None,
    set_: Set = None,
    json: Json = False,
) -> None:
    """Score and reduce a run again, without one request."""
    from evalsvc.cli.read import score_command

    sys.exit(score_command(run, config=config, overrides=set_ or [], json=json))


@app.command()
def show(run: Run = None, json: Json = False) -> None:
    """Print the result of a run."""
    from evalsvc.cli.read import show_command

    sys.exit(show_command(run, json=json))


@app.command("list")
def list_(name: Annotated[str | None, typer.Argument(metavar="NAME", help="Only runs of this name.")] = None, json: Json = False) -> None:
    """List the runs under runs/, the newest first."""
    from evalsvc.cli.read import list_command

    sys.exit(list_command(name, json=json))


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
    """Serve small real models behind OpenAI's API on this machine, with faults on demand."""
    from evalsvc.sandbox.__main__ import main as serve

    sys.exit(serve(context.args, prog="evalsvc sandbox"))


def main() -> None:
    """The entry point. A reader of our output that went away is no error of ours."""
    _fill_closed_streams()
    try:
        app(prog_name="evalsvc")
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        sys.exit(0)


def _fill_closed_streams() -> None:
    """A standard stream closed by whoever started us becomes /dev/null, or the event loop's own files would take its number."""
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest free number, which is this one
    sys.stdout = sys.stdout or os.fdopen(1, "w")
    sys.stderr = sys.stderr or os.fdopen(2, "w")
