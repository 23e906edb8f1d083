"""The risk of a plan: Monte Carlo over failures, weather and load, on the kernels."""

from scheduler.questions.risk.assess import FEWEST, Assessment, assess
from scheduler.questions.risk.record import csv_of, record_of

__all__ = ["FEWEST", "Assessment", "assess", "csv_of", "record_of"]
