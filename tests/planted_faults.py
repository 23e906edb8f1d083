"""Single faults in the plan of ``tests/planted.py``: all that is wrong after each, and the words.

A fault is one unit that lies wrong, or one figure of the site or the work that changed under the
plan. The loads that the arithmetic starts from stand in ``tests/planted.py``.
"""

from __future__ import annotations

from dataclasses import replace

from scheduler.model import Conflict, Level, Sla, Weather
from tests.planted import (
    Change,
    Fault,
    Said,
    lost,
    misfit,
    money,
    more,
    moved,
    normal,
    owed,
    pairs,
    problem,
    record,
    site,
    space,
)


def no_loop(rack: str) -> Change:
    """A rack that is taken off its loop: all its heat goes into the room."""
    return record("racks", rack, loop=None)


def hot_day(wet_bulb_mc: int) -> Change:
    """Another hottest day."""
    return site(weather=(Weather(name="hot", dry_bulb_mc=36_000, wet_bulb_mc=wet_bulb_mc),))


def open_door() -> Change:
    """Rack a3-1 breathes 0.7 K for each kW of a3-2 instead of 0.2 K."""
    hall = problem().site.halls["H2"]
    entries = tuple(
        replace(entry, nk_per_w=700_000)
        if (entry.rack, entry.source) == ("a3-1", "a3-2")
        else entry
        for entry in hall.recirculation
    )
    return record("halls", "H2", recirculation=entries)


ACME_SLA = Sla(survives=("rack", "ups"), spare_permille=125)

FAULTS = (
    # space and hardware
    Fault(
        "one GPU too many on a full rack",  # 6 + 3 slots of shared hosts: 2 nodes beside tune's 2
        more("lab-books", "a2-4"),
        (space("a2-4", 4, 3),),
        "25 GPU slots of 2 groups that share no host need 4 nodes; 3 are usable",
    ),
    Fault(
        "a tenant who wants hosts of its own beside another on one host",
        record("tenants", "lab", isolation=Level.HOST),
        (space("a2-4", 4, 3),),
        "24 GPU slots of 3 groups",
    ),
    Fault(
        "a node is down under a full rack",
        record("racks", "a3-1", down_nodes=1),
        (space("a3-1", 3, 2),),
        "need 3 nodes; 2 are usable",
    ),
    Fault(
        "a rack with work is drained",
        record("racks", "x2", drained=True),
        (space("x2", 1, 0), misfit("archive", 1)),
        "1 units on x2: is drained",
    ),
    Fault(
        "all nodes of a rack with work are down",
        record("racks", "x2", down_nodes=2),
        (space("x2", 1, 0), misfit("archive", 1)),
        "1 units on x2: all nodes are down",
    ),
    Fault(
        "a unit on a GPU of another type",
        moved("decode", "n2", "a2-3"),
        (misfit("decode", 1),),
        "1 units on a2-3: has h100, allowed are gb200",
    ),
    Fault(
        "a unit outside the hall that it must stay in",
        moved("chat", "a3-4", "a2-3"),
        (misfit("chat", 1),),
        "1 units on a2-3: is not within H2",
    ),
    Fault(
        "two nodes of a job that must share NVLink, where NVLink ends at the node",
        record("jobs", "tune", required=Level.NVLINK),
        (misfit("tune", 2),),
        "joins the 8 GPUs of one node by NVLink",
    ),
    Fault(
        "a synchronous job on two generations of GPUs",
        moved("pretrain", "a3-2", "n2"),
        (Said("gpu_type", "pretrain", 2, 1, "GPU types"),),
        "runs on gb200, h100 in one step",
    ),
    Fault(
        "a job takes more than its tenant's contract holds there",  # 4 units of 4 slots; 3 are held
        more("acme-train", "a1-1"),
        (Said("contract_nodes", "acme on a1-1", 16, 12, "GPU slots"),),
        "jobs of acme take 16 GPU slots on a1-1 (hgx); its contracts hold 12 there",
    ),
    Fault(
        "a contract gives up nodes that its tenant's job uses",
        moved("acme-block", "a1-2", "a1-1"),
        (Said("contract_nodes", "acme on a1-2", 12, 8, "GPU slots"), owed(28)),
        "its contracts hold 8 there",
    ),
    # units
    Fault(
        "a gang with a unit missing",
        more("pretrain", "a3-1", -1),
        (Said("units", "pretrain", 1, 0, "units"),),
        "pretrain has 5 units, asked are 6 to 6 or none",
    ),
    Fault(
        "a unit more than the job asks for",
        more("beta-racks", "a2-2"),
        (Said("units", "beta-racks", 1, 0, "units"),),
        "beta-racks has 3 units, asked are 2 to 2 or none",
    ),
    Fault(
        "an elastic job below its least",
        more("chat", "a3-3", -2),
        (Said("units", "chat", 1, 0, "units"),),
        "chat has 1 units, asked are 2 to 4 or none",
    ),
    # power
    Fault(
        "a PDU of a smaller rating",  # A4's liquid racks draw 8 + 24 + 8 kW
        record("power_nodes", "pdu1", rating_w=39_999),
        (normal("pdu1", 40_000, 39_999),),
        "feed pdu1 carries 40.0 kW, 100.1 % of its 40.0 kW",
    ),
    Fault(
        "a utility feed of a smaller rating",  # 104 + 80 + 72 kW
        record("power_nodes", "grid-a", rating_w=250_000),
        (normal("grid-a", 256_000, 250_000),),
        "feed grid-a carries 256.0 kW, 102.4 % of its 250.0 kW",
    ),
    Fault(
        "a rack that lost its second cord",  # 2 + 12 kW of a1-1 all on u1: 104 + 7
        record("racks", "a1-1", feeds=("u1",)),
        (normal("u1", 111_000, 108_000),),
        "feed u1 carries 111.0 kW, 102.8 % of its 108.0 kW",
    ),
    Fault(
        "a firm job too many on an overloaded pair",  # 105.6 + 4 kW on x2, which u1 and u2 feed
        more("archive", "x2"),
        (lost("u1", 109_600, 108_000, "u2"),),
        "feed u1 would carry 109.6 kW after losing u2, 101.5 % of its 108.0 kW",
    ),
    Fault(
        "a job that no longer lets itself be capped",  # chat: 24 - 9.6 kW more, half on u1
        record("jobs", "chat", power_action="firm"),
        (lost("u1", 112_800, 108_000, "u2"),),
        "feed u1 would carry 112.8 kW after losing u2",
    ),
    Fault(
        "a large job that no longer lets itself be shed",  # 48 kW more on A3 and L2
        record("jobs", "pretrain", power_action="firm"),
        (
            lost("u1", 129_600, 108_000, "u2"),
            lost("u1", 126_000, 108_000, "u3"),
            Said("cooling_loops", "L2", 84_000, 62_000, "W", "loss of L2"),
        ),
        "L2: 84.0 kW of liquid heat, 135.5 % of the 62.0 kW that 1 of 2 CDUs carry (loss of L2)",
    ),
    Fault(
        "a UPS that bears less until jobs have acted",  # 148 % of 108 kW
        record("power_nodes", "u1", emergency_permille=1480),
        (lost("u1", 160_000, 159_840, "u2", before=True),),
        "feed u1 would carry 160.0 kW for 5 s after losing u2, 100.2 % of its 159.8 kW",
    ),
    Fault(
        "a UPS that bears its overload for less time than jobs take to act",
        record("power_nodes", "u1", emergency_s=4),
        (
            lost("u1", 160_000, 108_000, "u2", before=True),
            lost("u1", 152_000, 108_000, "u3", before=True),
        ),
        "feed u1 would carry 160.0 kW for 5 s after losing u2, 148.2 % of its 108.0 kW",
    ),
    Fault(
        "a further pair that must be survived together",  # A1, A3, A4 and the switches on u1 alone
        site(failure_sets=(("u2", "u3"),)),
        (
            lost("u1", 122_400, 108_000, "u2", "u3"),
            lost("u1", 208_000, 172_800, "u2", "u3", before=True),
        ),
        "feed u1 would carry 122.4 kW after losing u2 and u3",
    ),
    Fault(
        "a feed with a smaller limit on the swing",  # 60 % of pretrain's and tune's 64 kW, halved
        record("power_nodes", "u3", swing_limit_w=19_000),
        (Said("power_swing", "u3", 19_200, 19_000, "W"),),
        "feed u3 swings by 19.2 kW in step, 101.1 % of its 19.0 kW",
    ),
    Fault(
        "one more job that steps in time",  # moe: 60 % of 24 kW on top of 38.4 kW
        record("jobs", "moe", profile="sync"),
        (Said("power_swing", "test", 52_800, 44_000, "W"),),
        "site test swings by 52.8 kW in step, 120.0 % of its 44.0 kW",
    ),
    # heat
    Fault(
        "CDUs that carry less",  # 2 of 3 at 41 kW; 80 % of 8 + 48 + 8 + 40 kW go in
        record("loops", "L1", unit_w=41_000),
        (Said("cooling_loops", "L1", 83_200, 82_000, "W"),),
        "L1: 83.2 kW of liquid heat, 101.5 % of the 82.0 kW that 2 of 3 CDUs carry (normal)",
    ),
    Fault(
        "CDUs with smaller pumps",  # 8 racks of 20 L/min on 2 of 75 L/min
        record("loops", "L1", unit_flow_mlpm=75_000),
        (Said("cooling_loops", "L1", 160_000, 150_000, "mL/min"),),
        "L1: its racks are designed for 160.0 L/min, 106.7 % of the 150.0 L/min of 2 CDUs",
    ),
    Fault(
        "a hotter day",  # supply 28 + 4 + 4 = 36 °C: 7 K * 160 L/min / 15.2 = 73.684 kW
        hot_day(wet_bulb_mc=28_000),
        (Said("return_temperature", "L1", 83_200, 73_684, "W", "hot"),),
        "L1: coolant returns at 43.9 °C (hot; supply 36.0 °C, 160.0 L/min), the limit is 43.0 °C",
    ),
    Fault(
        "a rack taken off its loop",  # air of H1: 20 % of 104 + 6, and 80 % of the rack's 14 kW
        no_loop("a1-1"),
        (Said("air_cooling", "H1", 38_000, 31_776, "W", "hot"),),
        "H1: 38.0 kW of air heat, 119.6 % of the 31.8 kW that air cooling removes on hot",
    ),
    Fault(
        "a rack that blows into the inlet of its neighbour",  # 5.2 kW * (0.5 + 0.7 K per kW)
        open_door(),
        (Said("inlet_temperature", "a3-1", 6_240_000_000, 5_000_000_000, "nK"),),
        "a3-1: inlet air reaches 28.2 °C, the limit of H2 is 27.0 °C",
    ),
    Fault(
        "two units too many on a rack without a loop",  # 1 + 8 kW * 0.6 K per kW
        more("batch", "x1", 2),
        (Said("inlet_temperature", "x1", 5_400_000_000, 5_000_000_000, "nK"),),
        "x1: inlet air reaches 27.4 °C, the limit of H2 is 27.0 °C",
    ),
    Fault(
        "GPUs that slow down earlier",  # 34 + 12.312 / 2 + 0.025 * 1200 = 70.2 °C
        record("rack_types", "nvl", slowdown_mc=70_000),
        (
            Said("gpu_temperature", "n1", 3, 0, "units", "hot"),
            Said("gpu_temperature", "n2", 1, 0, "units", "hot"),
        ),
        "moe on n1: GPUs reach 70.2 °C at 1200 W with coolant at 34.0 °C (hot)",
    ),
    Fault(
        "worse heat sinks",  # 27 + 0.16 * 400 = 91 °C
        record("rack_types", "air", r_th_mk_per_w=160),
        (
            Said("gpu_temperature", "x1", 2, 0, "units"),
            Said("gpu_temperature", "x2", 1, 0, "units"),
        ),
        "archive on x2: GPUs reach 91.0 °C at 400 W with coolant at 27.0 °C (normal)",
    ),
    # tenants
    Fault(
        "a tenant in another's array",
        moved("class-books", "a2-4", "a1-4"),
        (pairs("isolation", "array A1"),),
        "acme must have array A1 alone; acme, class are there",
    ),
    Fault(
        "a tenant in another's rack",
        moved("lab-books", "a2-4", "a2-2"),
        (pairs("isolation", "rack a2-2"),),
        "beta must have rack a2-2 alone; beta, lab are there",
    ),
    Fault(
        "two tenants in one rack who both want it alone",  # one pair, though both have a claim
        moved("archive", "x2", "a2-1"),
        (pairs("isolation", "rack a2-1"),),
        "beta, delta must have rack a2-1 alone; beta, delta are there",
    ),
    Fault(
        "a tenant who now wants its array alone",  # beta with research, lab and class
        record("tenants", "beta", isolation=Level.ARRAY),
        (pairs("isolation", "array A2", 3),),
        "beta must have array A2 alone; beta, research, lab, class are there",
    ),
    Fault(
        "a tenant beside its rival",
        moved("gamma-api", "a3-4", "a2-3"),
        (pairs("conflicts", "array A2"),),
        "array A2 holds tenants in conflict: beta and gamma",
    ),
    Fault(
        "two tenants on one host who fell out",
        record("tenants", "class", conflicts=(Conflict(tenant="lab", level=Level.RACK),)),
        (pairs("conflicts", "rack a2-4"),),
        "rack a2-4 holds tenants in conflict: class and lab",
    ),
    Fault(
        "too much of a job in one rack",
        more("chat", "a3-3"),
        (Said("spread", "chat", 3, 2, "units in rack a3-3"),),
        "3 units lie in rack a3-3, at most 2 may",
    ),
    Fault(
        "a gang outside its pod",
        moved("pretrain", "a3-2", "a2-3"),
        (Said("locality", "pretrain", 2, 1, "pod domains"),),
        "lies in 2 domains of pod, 1 is required",
    ),
    Fault(
        "a gang over two NVLink domains",
        moved("moe", "n1", "n2"),
        (Said("locality", "moe", 2, 1, "nvlink domains"),),
        "lies in 2 domains of nvlink, 1 is required",
    ),
    # obligations: 12 units less 1 spare less the 3 of the worst rack are 8, all that is promised
    Fault(
        "a unit of a firm contract is missing",
        more("acme-block", "a1-4", -1),
        (owed(28),),
        "4 promised GPUs of acme are missing: 11 units are placed, 7 of 8 count",
    ),
    Fault(
        "too much of a contract in one rack",
        moved("acme-block", "a1-3", "a1-4"),
        (owed(28), Said("sla_survival", "acme-block", 4, 12, "units", "loss of a1-4")),
        "4 promised GPUs of acme are missing: 12 units are placed, 7 of 8 count",
    ),
    Fault(
        "an SLA that must survive the loss of an array too",
        record(
            *("contracts", "acme-block"),
            sla=replace(ACME_SLA, survives=("rack", "ups", "array")),
        ),
        (owed(0), Said("sla_survival", "acme-block", 12, 12, "units", "loss of A1")),
        "32 promised GPUs of acme are missing: 12 units are placed, 0 of 8 count",
    ),
    Fault(
        "twice as many spares",
        record("contracts", "acme-block", sla=replace(ACME_SLA, spare_permille=250)),
        (owed(28),),
        "4 promised GPUs of acme are missing: 12 units are placed, 7 of 8 count",
    ),
    # money: energy is 1.15 * 65 mills per kWh, here of 5.6, 4 and 40 kW
    Fault(
        "a unit of a job in a second array",  # 10 % of 16 dollars, and 8 GPUs moved at 50 mills
        moved("tune", "a2-4", "a3-3"),
        (money("locality", "tune", -1_600), money("margin", "tune", 16_000 - 2 * 419 - 400)),
        "1 domains of array more than the fewest, 1600 mills/h each",
    ),
    Fault(
        "a job that pays less",  # 24 GPUs at 0.90 dollars
        record("jobs", "chat", value_mills_per_gpu_h=900),
        (money("margin", "chat", 21_600 - 3 * 299),),
        "revenue 21600, energy 897, moves 0 mills/h",
    ),
    Fault(
        "base loads that draw more",  # ceil(1.15 * 65 * 41)
        site(base_loads=(replace(problem().site.base_loads[0], power_w=7_000),)),
        (money("margin", "idle power", -3_065),),
        "34000 W of idle racks and 7000 W of base loads",
    ),
)
