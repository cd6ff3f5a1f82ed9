"""What every model of an authority's configuration shares: strictness, and text in two languages."""

from pydantic import BaseModel, ConfigDict


class Model(BaseModel):
    """Base of every configuration model: immutable, and unknown keys are mistakes."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Words(Model):
    """One text in the authority's language and in English."""

    vi: str
    en: str
