"""Arrays in, scores out: the forms of a compiled problem and their evaluators.

Nothing here knows what a watt is. Imports numpy only; cupy is loaded lazily, in one file.
"""
