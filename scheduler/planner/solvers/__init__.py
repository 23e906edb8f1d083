"""The solvers: CP-SAT for exact programs, SCIP for large ones, GLOP for their relaxation.

Statuses are checked, and a bound is only ever reported if it is proven: CP-SAT's is exact in
integers; that of the relaxation is recomputed from its dual prices in exact arithmetic, so that
neither a tolerance nor a wrong status can make it too low; SCIP's is rounded up by more than its
tolerance.
"""

from scheduler.planner.solvers.cp_sat import solve_integer
from scheduler.planner.solvers.relaxation import Relaxed, solve_relaxed
from scheduler.planner.solvers.running import Outcome
from scheduler.planner.solvers.scip import solve_large
from scheduler.planner.solvers.weak_duality import certified_bound

__all__ = ["Outcome", "Relaxed", "certified_bound", "solve_integer", "solve_large", "solve_relaxed"]
