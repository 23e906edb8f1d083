"""The benchmark harness: ``python -m benchmarks NAME``; every benchmark has its own options."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from typing import Protocol

from benchmarks import kernel_speed, main_job, planner, replanning, steps


class Benchmark(Protocol):
    """A module that measures something; the first line of its docstring says what."""

    __doc__: str | None

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        """Add the options of this benchmark."""
        ...

    def run(self, options: argparse.Namespace) -> int:
        """Run it; 0 if every run gave what it should."""
        ...


BENCHMARKS: Mapping[str, Benchmark] = {
    "main": main_job,
    "kernels": kernel_speed,
    "planner": planner,
    "replan": replanning,
    "steps": steps,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one benchmark; 0 if every run gave what it should."""
    options = parser().parse_args(arguments)
    return BENCHMARKS[options.name].run(options)


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line: one subcommand for each benchmark."""
    command = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    names = command.add_subparsers(dest="name", required=True)
    for name, benchmark in BENCHMARKS.items():
        summary = (benchmark.__doc__ or "").splitlines()[0]
        benchmark.add_options(names.add_parser(name, help=summary, description=summary))
    return command


if __name__ == "__main__":
    sys.exit(main())
