"""What every fact has: whose it is, and when."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from gateway.clock import now


class FactBase(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    call_id: str
    at: datetime = Field(default_factory=now)
