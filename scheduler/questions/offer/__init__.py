"""What is an offer worth: does it fit, what does it displace, and at which price does it pay?"""

from scheduler.questions.offer.answer import Answer, Weighed, answer
from scheduler.questions.offer.budget import Budget
from scheduler.questions.offer.fit import Fits
from scheduler.questions.offer.solving import Solver

__all__ = ["Answer", "Budget", "Fits", "Solver", "Weighed", "answer"]
