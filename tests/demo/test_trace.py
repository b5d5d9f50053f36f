"""What a trace of ovn-trace means. The texts are its own, cut to what matters."""

import pytest

from demo.samples import Port
from demo.trace import read

SOURCE = Port("web", "shop", ("10.10.0.10",), "0a:00:00:00:00:01", "shop", "ovn-cluster")
TARGET = Port("db-0", "acme-db", ("10.20.0.2", "fd00:20::2"), "0a:00:00:00:00:02", "acme-db", "acme")

ROUTED = """
egress(dp="shop", inport="web.shop", outport="shop-ovn-cluster")
 9. ls_out_check_port_sec (northd.c:5802): 1, priority 0, uuid 3d1b5f2c
    output;
    /* output to "shop-ovn-cluster", type "patch" */
"""
DELIVERED = f"""{ROUTED}
egress(dp="acme-db", inport="acme-db-acme", outport="db-0.acme-db")
10. ls_out_apply_port_sec (northd.c:5810): 1, priority 0, uuid 88d2d1a3
    output;
    /* output to "db-0.acme-db", type "" */
"""
LEFT_BY_A_NODE = DELIVERED.replace("db-0.acme-db", "node-worker-1")
REFUSED = f"""{ROUTED}
ct_next(ct_state=new|trk)
 3. ls_out_acl_hint (northd.c:5990): ct.new && !ct.est, priority 7, uuid 5e3c1d11
    next;
 4. ls_out_acl (northd.c:6543): reg0[9] == 1 && (ip), priority 2000, uuid 7fb7b2bb
    log(name="vault", verdict=drop, severity=warning);
"""
REFUSED_WITHOUT_LOG = f"""{ROUTED}
 6. ls_out_acl_eval (northd.c:7072): reg8[30..31] == 2 && (outport == @printer.shop && ip), priority 3000, uuid 376d5cc9
    reg8[17] = 1;
    next;
 8. ls_out_acl_action (northd.c:7243): reg8[17] == 1, priority 1000, uuid fb3765b2
    reg8[17] = 0;
"""
UNKNOWN = """
ingress(dp="acme", inport="acme-acme-web")
10. lr_in_ip_routing (northd.c:9999): 1, priority 0, uuid 11111111
    drop;
"""


def test_a_packet_that_comes_out_at_the_port_of_the_other_pod_has_reached_it() -> None:
    """Only this counts; that it passed the ports between switches and routers proves nothing."""
    verdict = read(SOURCE, TARGET, DELIVERED)

    assert verdict.reached
    assert verdict.words == "delivered to port db-0.acme-db"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (LEFT_BY_A_NODE, "it comes out at port node-worker-1, not at db-0.acme-db"),
        (REFUSED, "dropped in ls_out_acl by reg0[9] == 1 && (ip), priority 2000"),
        (
            REFUSED_WITHOUT_LOG,
            "dropped in ls_out_acl_eval by reg8[30..31] == 2 && (outport == @printer.shop && ip), priority 3000",
        ),
        (UNKNOWN, "dropped in lr_in_ip_routing by 1, priority 0"),
        (ROUTED, "no flow of OVN takes it any further"),
    ],
)
def test_any_other_end_of_the_packet_is_told_with_its_place(text: str, words: str) -> None:
    """A person who sees that a packet doesn't arrive asks next where it went."""
    verdict = read(SOURCE, TARGET, text)

    assert not verdict.reached
    assert verdict.words == words
