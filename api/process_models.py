"""Shapes of what is said about processes and jobs: OGC API Processes, Part 1 (OGC 18-062r2)."""

from typing import Any, Literal

from pydantic import ConfigDict, Field

from api.job_files import JobState
from api.models import Answer, Link


class ProcessSummary(Answer):
    """A process in a list."""

    id: str
    title: str
    description: str
    version: str
    jobControlOptions: list[Literal["sync-execute", "async-execute", "dismiss"]]
    outputTransmission: list[Literal["value"]]
    links: list[Link]


class Processes(Answer):
    """All processes of a region."""

    processes: list[ProcessSummary]
    links: list[Link]


class InputDescription(Answer):
    """What an input means, and its JSON Schema."""

    title: str
    description: str | None = None
    schema_: dict[str, Any] = Field(alias="schema")
    minOccurs: int
    maxOccurs: int


class OutputDescription(Answer):
    """What a process gives."""

    title: str
    description: str | None = None
    schema_: dict[str, Any] = Field(alias="schema")


class ProcessDescription(ProcessSummary):
    """A process with what it asks and gives."""

    inputs: dict[str, InputDescription]
    outputs: dict[str, OutputDescription]


class StatusInfo(Answer):
    """How a job stands."""

    processID: str
    type: Literal["process"]
    jobID: str
    status: JobState
    message: str
    progress: int
    created: str
    started: str | None = None
    finished: str | None = None
    updated: str
    edition: str
    links: list[Link]


class Jobs(Answer):
    """A key's own jobs."""

    jobs: list[StatusInfo]
    links: list[Link]


class ProcessResult(Answer):
    """What a process gives: the object itself, or as `result` where a document was asked for."""

    model_config = ConfigDict(extra="allow")
