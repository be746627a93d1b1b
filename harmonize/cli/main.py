"""`harmonize`: the verbs put together, options from the environment and `harmonize.toml`, exit codes.

Exit codes: 0 done, 1 conformance below the threshold, 2 wrong call, profile or configuration, 3 input unreadable or too many
rejects, 4 internal error, 130 interrupted.
"""

from __future__ import annotations

import difflib
import os
import re
import signal
import sys
import tomllib
from pathlib import Path
from typing import Annotated, Any

import typer

import harmonize
from harmonize.cli import (
    convert,
    demo,
    doctor,
    explain,
    gdi_validate,
    key,
    mappings,
    profiles,
    report,
    schema,
    terminology,
    trace,
    validate,
)
from harmonize.errors import CallError, HarmonizeError
from harmonize.safe_messages import safe_message

CONFIGURATION = "harmonize.toml"

app = typer.Typer(
    name="harmonize",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"harmonize {harmonize.__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and leave.")
    ] = False,
) -> None:
    """National clinical records into the shared forms of 1+MG, with an account of every value. Without network."""


app.command("convert")(convert.convert)
app.command("validate")(validate.validate)
app.add_typer(report.app, name="report")
app.add_typer(profiles.app, name="profiles")
app.add_typer(terminology.app, name="terminology")
app.add_typer(mappings.app, name="mappings")
app.add_typer(schema.app, name="schema")
app.command("demo")(demo.demo)
app.command("trace")(trace.trace)
app.command("explain")(explain.explain)
app.add_typer(key.app, name="key")
app.command("gdi-validate")(gdi_validate.gdi_validate)
app.command("doctor")(doctor.doctor)


def _configuration() -> dict[str, Any]:
    """`harmonize.toml` of the working folder: options for all verbs at the top, for one verb in its table."""
    path = Path(CONFIGURATION)
    if not path.is_file():
        return {}
    try:
        body = tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError, OSError) as error:
        place = re.search(r"at line [0-9]+, column [0-9]+", str(error))
        where = f" {place[0]}" if place else ""
        raise CallError(
            f'{CONFIGURATION} is no TOML{where}. To mend it: write `option = "value"`, one a line'
        ) from None
    command: Any = typer.main.get_command(app)
    verbs = command.commands
    shared = {name.replace("-", "_"): value for name, value in body.items() if not isinstance(value, dict)}
    known = {parameter.name for verb in verbs.values() for parameter in verb.params}
    for name in [*body, *(n for table in body.values() if isinstance(table, dict) for n in table)]:
        if name not in verbs and name.replace("-", "_") not in known:
            close = difflib.get_close_matches(name.replace("-", "_"), [*verbs, *known], n=1)
            hint = f" Did you mean {close[0]!r}?" if close else ""
            raise CallError(
                f"{CONFIGURATION}: no option or verb is called {name!r}.{hint} To mend it: see `harmonize --help`"
            )
    for verb in verbs:
        if not isinstance(body.get(verb, {}), dict):
            raise CallError(
                f"{CONFIGURATION}: {verb!r} is a verb and no option. To mend it: write its options below [{verb}]"
            )
    made: dict[str, Any] = {}
    for verb, command_of_verb in verbs.items():
        own = {name.replace("-", "_"): value for name, value in body.get(verb, {}).items()}
        names = {parameter.name for parameter in command_of_verb.params}
        made[verb] = {name: value for name, value in {**shared, **own}.items() if name in names}
    return made


_INTERRUPTED = (
    "interrupted: nothing that is half done stands under its final name. To mend it: run the call again, with --resume to "
    "go on from there"
)


def main() -> None:
    """Run the command line and leave with the exit code of the contract."""
    if sys.stderr is None:  # closed by the caller, who wants nothing said
        sys.stderr = Path(os.devnull).open("w")  # noqa: SIM115
    for name in ("SIGTERM", "SIGHUP"):  # a batch system that ends a run interrupts it, as Ctrl-C does
        if hasattr(signal, name) and signal.getsignal(getattr(signal, name)) is signal.SIG_DFL:
            signal.signal(getattr(signal, name), signal.default_int_handler)
    try:
        app(prog_name="harmonize", default_map=_configuration())
    except HarmonizeError as error:
        _leave(str(error), error.exit_code)
    except KeyboardInterrupt:
        _leave(_INTERRUPTED, 130)
    except SystemExit as left:
        if left.code == 130:  # typer turns the interrupt into an exit without a word
            _leave(_INTERRUPTED, 130)
        raise
    except MemoryError:
        _leave("out of memory. To mend it: give more memory or fewer --jobs, and run again with --resume", 4)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(0)
    except Exception as error:  # noqa: BLE001 - the outermost boundary: no traceback, for it may show a patient's values
        _leave(f"internal error: {safe_message(error)}. To mend it: report it with the version (`harmonize doctor`)", 4)


def _leave(message: str, code: int) -> None:
    print(f"harmonize: {message}", file=sys.stderr)
    sys.exit(code)


if __name__ == "__main__":
    main()
