"""Files to a problem: reading, checking, and the explicit form that others can read."""

from scheduler.inputs.explicit import site_document, workload_document
from scheduler.inputs.mistakes import InputError, Mistake
from scheduler.inputs.offer_build import read_offers
from scheduler.inputs.plan_file import read_plan
from scheduler.inputs.proof_file import Proof, read_proof
from scheduler.inputs.read import read_problem, read_site_file
from scheduler.inputs.schema import json_schema

__all__ = [
    "InputError",
    "Mistake",
    "Proof",
    "json_schema",
    "read_offers",
    "read_plan",
    "read_problem",
    "read_proof",
    "read_site_file",
    "site_document",
    "workload_document",
]
