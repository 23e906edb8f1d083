"""The planner: gap, time and memory beside the baselines', same instances and same check.

Every run is a process of its own. A plan that `check` refuses, or a bound below any checked plan
of the same instance, ends the benchmark with exit code 1.
"""

from benchmarks.planner.command import add_options, run

__all__ = ["add_options", "run"]
