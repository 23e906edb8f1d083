"""The sums of the page in words: margin, bound, energy, concentration, power that is left."""

from __future__ import annotations

from scheduler.power_words import stranded_words
from scheduler.report.facts import Facts
from scheduler.words import money, percent, power

CONCENTRATED, MODERATE = 2500, 1500  # Herfindahl index, as competition authorities used to read it

Sum = tuple[str, str, str]  # name, amount, remark


def sums(facts: Facts) -> list[Sum]:
    """Return the sums of the money view."""
    found, run = facts.money, facts.recorded.run
    rows: list[Sum] = [("margin", money(found.margin_mills), "revenue less energy and moves")]
    if facts.is_of_this_plan and run.bound_usd_per_h is not None:
        remark = f"proven gap {percent(run.gap)}"
        rows.append(("at most possible", money(round(run.bound_usd_per_h * 1000)), remark))
    rows += [
        (
            "energy",
            money(found.energy_mills),
            f"{power(found.mean_it_w)} of IT power on average, PUE {found.pue_permille / 1000:g}, "
            f"{found.energy_mills_per_mwh / 1000:,.2f} $/MWh",
        ),
        ("of it for idle racks and base load", money(-found.idle_mills), "no job pays for it"),
        (
            "price of a placed GPU",
            f"{found.gpu_price_mills / 1000:,.2f} $/GPU-h",
            "average of contracts and values",
        ),
    ]
    locality = dict(found.by_term).get("locality", 0)
    if locality:
        rows.append(("lost by spread", money(-locality), "jobs over more domains than needed"))
    if run.isolation_cost_usd_per_h and facts.is_of_this_plan:
        mills = round(run.isolation_cost_usd_per_h * 1000)
        rows.append(("isolation", money(mills), "what idle GPUs in isolated domains would earn"))
    if found.top_tenant:
        rows += [
            (
                "largest tenant",
                percent(found.top_permille / 1000, 1),
                f"of what tenants earn: {found.top_tenant}",
            ),
            ("concentration (HHI)", f"{found.hhi:,}", _concentration(found.hhi)),
        ]
    return rows


def _concentration(hhi: int) -> str:
    if hhi > CONCENTRATED:
        return "highly concentrated: above 2,500 of 10,000"
    if hhi > MODERATE:
        return "moderately concentrated: 1,500 to 2,500"
    return "spread over many tenants: below 1,500"


def power_left(facts: Facts) -> str:
    """Say for how many more nodes firm power would be there, and what keeps work from it."""
    firm = facts.firm
    stranded = stranded_words(firm.stranded_w, firm.stranded_by_cause_w)
    site = facts.problem.site
    per_node = [
        (site.basis_w(kind) - kind.idle_w) // kind.nodes
        for kind in site.rack_types.values()
        if kind.nodes and site.basis_w(kind) > kind.idle_w
    ]
    words = f"power and cooling are not asked. Firm power for {power(firm.headroom_w)} more is left"
    if not per_node:
        return f"{words}; {stranded}."
    nodes = firm.headroom_w // max(per_node)
    return f"{words}, about {nodes:,} nodes of the hungriest type; {stranded}."
