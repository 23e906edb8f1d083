"""What an earlier ``result.json`` says is proven, and for which problem."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from scheduler.inputs.document import Document
from scheduler.inputs.fields import Whole
from scheduler.inputs.mistakes import Mistakes
from scheduler.inputs.validation import validate

MOST_USD_PER_H = 1e15

Money = Annotated[float, Field(ge=-MOST_USD_PER_H, le=MOST_USD_PER_H, allow_inf_nan=False)]


class Proof(BaseModel):
    """The part of ``result.json`` that a later run can build on."""

    model_config = ConfigDict(extra="ignore")

    problem_digest: str = ""
    unmet_firm_gpus: Annotated[Whole, Field(ge=0, le=10**12)]
    bound_usd_per_h: Money | None
    bound_by: str | None = None

    @property
    def bound_mills(self) -> int | None:
        """The bound in mills per hour."""
        return None if self.bound_usd_per_h is None else round(self.bound_usd_per_h * 1000)


def read_proof(path: Path) -> Proof:
    """Read the ``result.json`` at `path`.

    Raises
    ------
    InputError
        With every mistake.
    """
    mistakes = Mistakes()
    document = Document.load(path, mistakes)
    proof = None if document is None else validate(Proof, document, mistakes)
    mistakes.raise_if_any()
    assert proof, "a reader that gives up says why"
    return proof
