"""MAC addresses: made, read, and unique in the cluster."""

from hashlib import blake2b
from string import hexdigits

from ovnloom.ipam.malformed import Malformed
from ovnloom.ipam.refusal import TakenMac

_FORM = "write six octets like 0a:58:0a:10:00:02"


def mac_for(seed: str, attempt: int = 0) -> str:
    """A MAC that follows from the seed alone: unicast, locally administered (IEEE 802, second bit of the first octet).

    The same seed has the same MAC after a restart and in a `plan`. `attempt` counts up while the MAC is in use.
    """
    octets = bytearray(blake2b(f"{seed}\0{attempt}".encode(), digest_size=6).digest())
    octets[0] = octets[0] & 0xFC | 0x02
    return octets.hex(":")


def parse_mac(text: str) -> str:
    """A user's MAC in canonical form, lower case with colons; any form that Go's net.ParseMAC reads is accepted.

    These are `0a:58:0a:10:00:02`, `0A-58-0A-10-00-02` and `0a58.0a10.0002`. Raises Malformed, also for EUI-64 and
    InfiniBand addresses (which ParseMAC reads but no Ethernet interface has), for multicast and for all zeros.
    """
    stripped = text.strip()
    octets = _octets(stripped)
    if octets is None:
        raise Malformed(stripped, "is not a MAC address", _FORM)
    if len(octets) != 6:
        raise Malformed(stripped, f"has {len(octets)} octets, which no Ethernet interface has", _FORM)
    if octets[0] & 1:
        raise Malformed(stripped, "is a multicast address", "make the first octet even")
    if not any(octets):
        raise Malformed(stripped, "is all zeros", _FORM)
    return octets.hex(":")


def _octets(text: str) -> bytes | None:
    """What net.ParseMAC would return: 6, 8 or 20 octets with one separator throughout, or None."""
    for separator, digits in ((":", 2), ("-", 2), (".", 4)):
        if separator not in text:
            continue
        groups = text.split(separator)
        if len(groups) * digits // 2 not in (6, 8, 20):
            return None
        if any(len(group) != digits or group.strip(hexdigits) for group in groups):
            return None
        return bytes.fromhex("".join(groups))
    return None


class MacTable:
    """Which port of the cluster has which MAC; no two ports have one, whatever their Subnets.

    MACs are in canonical form (`parse_mac`), holders the names of IP objects or router ports.
    """

    __slots__ = ("_held", "_holders")

    def __init__(self) -> None:
        self._holders: dict[str, str] = {}
        self._held: dict[str, str] = {}

    def take(self, holder: str, mac: str) -> TakenMac | None:
        """The holder has that MAC and gives up the one that it had; or the answer says who else has it."""
        by = self._holders.get(mac, holder)
        if by != holder:
            return TakenMac(mac, by)
        self.release(holder)
        self._holders[mac] = holder
        self._held[holder] = mac
        return None

    def take_next(self, holder: str, seed: str) -> str:
        """The holder has a MAC made from the seed, the first that nobody has; what it already has, it keeps."""
        mac = self._held.get(holder)
        attempt = 0
        while mac is None:
            candidate = mac_for(seed, attempt)
            if self.take(holder, candidate) is None:
                mac = candidate
            attempt += 1
        return mac

    def release(self, holder: str) -> str | None:
        """The holder has no MAC; the answer is what it had."""
        mac = self._held.pop(holder, None)
        if mac is not None:
            del self._holders[mac]
        return mac

    def holder_of(self, mac: str) -> str | None:
        """Who has the MAC, None when nobody has."""
        return self._holders.get(mac)

    def mac_of(self, holder: str) -> str | None:
        """The MAC of the holder, None when it has none."""
        return self._held.get(holder)
