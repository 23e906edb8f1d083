"""rackwatt: a placement planner for GPU data centres.

``scheduler`` turns a site and a workload into a checked, explained plan.
See ``scheduler.solve.solve`` for the whole pipeline in one function.
"""

__version__ = "0.1.0"
