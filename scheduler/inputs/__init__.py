"""Files to a problem: reading, checking, and the explicit form that others can read."""

from scheduler.inputs.explicit import site_document, workload_document
from scheduler.inputs.mistakes import InputError, Mistake
from scheduler.inputs.offer_build import read_offers
from scheduler.inputs.offer_record import OfferEntry, OfferRecord, read_offer_record
from scheduler.inputs.plan_file import read_plan
from scheduler.inputs.proof_file import Proof, read_proof
from scheduler.inputs.rates_file import read_rates
from scheduler.inputs.read import read_problem, read_site_file
from scheduler.inputs.run_record import RunRecord, read_reasons, read_run_record
from scheduler.inputs.schema import json_schema
from scheduler.inputs.weather_file import read_weather
from scheduler.inputs.yaml_dump import dump_yaml

__all__ = [
    "InputError",
    "Mistake",
    "OfferEntry",
    "OfferRecord",
    "Proof",
    "RunRecord",
    "dump_yaml",
    "json_schema",
    "read_offer_record",
    "read_offers",
    "read_plan",
    "read_problem",
    "read_proof",
    "read_rates",
    "read_reasons",
    "read_run_record",
    "read_site_file",
    "read_weather",
    "site_document",
    "workload_document",
]
