"""What the holder of a key may ask about it."""

from typing import Annotated

from fastapi import APIRouter, Depends, Response

from api.answers import JSON, dumped
from api.holders import KEY_PROBLEMS, needs
from api.keys import KeyHolder
from api.models import HeldKey
from api.params import only

router = APIRouter(tags=["keys"], prefix="/keys", responses=KEY_PROBLEMS)


@router.get("/self", response_model=HeldKey, dependencies=[Depends(only())])
def self_(holder: Annotated[KeyHolder, Depends(needs("planner"))]) -> Response:
    """Say who one is, by one's key."""
    expires = holder.expires_at.isoformat() if holder.expires_at else None
    said = {"name": holder.name, "role": holder.role, "prefix": holder.prefix, "expires": expires}
    return Response(dumped(said), media_type=JSON)
