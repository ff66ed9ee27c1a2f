"""How often an address may come with a key that is not valid, before it is only told to come later for a while.

No key can be guessed, however often one tries; this spares the log, tells who tries nothing, and delays no valid key.
"""

import time
from collections import OrderedDict
from collections.abc import Callable
from ipaddress import IPv6Address, ip_address
from math import ceil

from api.errors import TooManyTries

MOST_TRIES = 30
WINDOW_S = 60.0
MOST_ADDRESSES = 10_000
"""How many addresses are remembered; then the one that was seen longest ago is forgotten."""


class Tries:
    """Counts keys that were refused, by address, for one process; used by its event loop alone."""

    def __init__(self, most: int = MOST_TRIES, now: Callable[[], float] = time.monotonic) -> None:
        """Allow `most` tries in a minute; `now` gives seconds."""
        self._most = most
        self._now = now
        self._seen: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def refuse_too_many(self, address: str) -> None:
        """Refuse an address that came with too many.

        Raises:
            TooManyTries: says when to come again.
        """
        began, count = self._seen.get(network_of(address), (0.0, 0))
        left = began + WINDOW_S - self._now()
        if count >= self._most and left > 0:
            raise TooManyTries(
                f"{self._most} keys from your address were not valid within {WINDOW_S:g} seconds, and this "
                f"one is not either: come again in {ceil(left)} seconds",
                retry_s=ceil(left),
            )

    def count(self, address: str) -> None:
        """Count one that was refused."""
        network, now = network_of(address), self._now()
        began, count = self._seen.pop(network, (now, 0))
        self._seen[network] = (began, count + 1) if now < began + WINDOW_S else (now, 1)
        if len(self._seen) > MOST_ADDRESSES:
            self._seen.popitem(last=False)


def network_of(address: str) -> str:
    """Return the address, or of IPv6 the network of 64 bits, which one client has to itself.

    What is IPv4 written as IPv6 (::ffff:192.0.2.1), as a socket of both kinds does, is that of IPv4: all of it would
    be one network. The name of a link behind a % is no part of an address.
    """
    try:
        known = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if not isinstance(known, IPv6Address):
        return str(known)
    return str(known.ipv4_mapped) if known.ipv4_mapped is not None else known.exploded[:19]
