"""What all processes share: how inputs are read, and what a process is given to work with."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from api.errors import InvalidParameter
from api.result_places import ResultPlaces
from grids.edition import Edition

_MOST_FAULTS = 5
_WRAPPING = frozenset(("value", "mediaType", "encoding", "schema"))

Grid = Annotated[
    str | None,
    Field(max_length=64, title="Grid", description="to start from; the one nearest to 500 m if not given"),
]
BaselineYear = Annotated[
    int | None, Field(ge=1, le=9999, title="Baseline year", description="the latest if not given")
]  # fmt: skip


class Inputs(BaseModel):
    """Inputs of a process; those that nobody knows are errors, since a misspelt one would do nothing."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


@dataclass(frozen=True)
class Work:
    """What a process works with.

    Attributes:
        edition: it works on.
        places: runs scenarios, and remembers results.
        progress: is told how far it is, 0 to 1, and at what; raises `Stopped` once the job is dismissed.
        cancelled: whether it is.
    """

    edition: Edition
    places: ResultPlaces
    progress: Callable[[float, str], None]
    cancelled: Callable[[], bool]


Model = TypeVar("Model", bound=Inputs)


def read_inputs(model: type[Model], inputs: Any, named: str = "inputs") -> Model:
    """Read inputs as OGC API Processes sends them: plain, or `{"value": ...}`.

    Args:
        model: what they are read as.
        inputs: by name.
        named: what the sender calls the object that holds them.

    Raises:
        InvalidParameter: names each at fault, what was given, and what was expected.
    """
    if not isinstance(inputs, dict):
        raise InvalidParameter(f"{named}: expected an object of inputs by name")
    try:
        return model.model_validate({name: _plain(value) for name, value in inputs.items()})
    except ValidationError as error:
        faults = error.errors(include_url=False)
        said = [
            f"{named}.{'.'.join(map(str, fault['loc']))}: {fault['msg'].removeprefix('Value error, ')} "
            f"(given: {str(fault['input'])[:60]})"
            for fault in faults[:_MOST_FAULTS]
        ]
        more = f"; and {len(faults) - _MOST_FAULTS} more" if len(faults) > _MOST_FAULTS else ""
        raise InvalidParameter("; ".join(said) + more) from error


def _plain(value: Any) -> Any:
    return value["value"] if isinstance(value, dict) and "value" in value and set(value) <= _WRAPPING else value
