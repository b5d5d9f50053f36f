"""Services with an address of their own choice: what they may be reached at, and how their backends are probed."""

from __future__ import annotations

from ovnloom.api.meta import Key
from ovnloom.api.service import HEALTH_CHECK, SWITCH_LB_VIP, Service
from ovnloom.api.switchlbrule import SwitchLBRule
from ovnloom.api.vip import SWITCH_LB, Vip
from ovnloom.ipam import Family, address_text
from ovnloom.ovn import names
from ovnloom.world.graph import Reader
from ovnloom.world.service import subnet_around
from ovnloom.world.service_indexes import canonical
from ovnloom.world.vip_indexes import VIPS_OF_ADDRESS


def refused(read: Reader, service: Service, vpc: str, family: Family, number: int) -> str:
    """Why a Service can't be reached at an address of its annotation; empty when it can.

    A namespace's user may write annotations, so an address of a Subnet counts only when a cluster's administrator
    gave it: in a SwitchLBRule or a Vip, which aren't in namespaces. Else anybody could take a Pod's traffic.
    """
    around = read.view(subnet_around, (vpc, family, number))
    if around is None or around.lends_addresses:
        return ""
    address = address_text(family, number)
    if _is_of_rule(read, service, address):
        return ""
    for key in read.keys_of(VIPS_OF_ADDRESS, address):
        vip = read.get(Vip, key)
        if vip is not None and vip.subnet == around.subnet and vip.type == SWITCH_LB:
            return ""
    wrong = f"annotation {SWITCH_LB_VIP} has {address}, an address of Subnet {around.subnet}; it is not served"
    return f"{wrong}: make a SwitchLBRule, or a Vip of type {SWITCH_LB} with that address"


def _is_of_rule(read: Reader, service: Service, address: str) -> bool:
    prefix = names.switch_lb_service("")
    if not service.name.startswith(prefix):
        return False
    rule = read.get(SwitchLBRule, Key(service.name.removeprefix(prefix)))
    if rule is None or rule.namespace != service.namespace:
        return False
    return address in [canonical(text.strip()) for text in rule.vip.split(",")]


def is_probed(service: Service) -> bool:
    """Whether OVN itself watches the backends of the Service."""
    return service.annotations.get(HEALTH_CHECK) != "false"
