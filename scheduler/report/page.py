"""The page: one HTML file that holds everything and asks nothing of the network."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from collections.abc import Mapping
from importlib.resources import files
from importlib.util import find_spec

from scheduler import __version__
from scheduler.power_words import drawn_words
from scheduler.report.facts import Facts
from scheduler.report.page_data import page_data
from scheduler.report.site_data import limit_words
from scheduler.words import clean, money, percent, power

SCRIPTS = (
    "base.js",
    "floor.js",
    "colourings.js",
    "choosing.js",
    "charts.js",
    "power_tree.js",
    "power.js",
    "site_views.js",
    "tenant_views.js",
    "search_view.js",
    "room_views.js",
    "word_views.js",
    "start.js",
)
CONTENTS = {
    "floor": "Floor",
    "power": "Power",
    "cooling": "Cooling",
    "fabric": "Fabric",
    "tenants": "Tenants",
    "money": "Money",
    "search": "Search",
    "fragmentation": "Fragmentation",
    "difference": "Difference",
    "offers": "Offers",
    "findings": "Findings",
    "unplaced": "Not placed",
}
_PLACE = re.compile(r"\{\{(\w+)\}\}")
_END = re.compile(r"</(script)", re.IGNORECASE)


class PlotlyMissingError(Exception):
    """The extra ``report`` is not installed."""


def page_of(facts: Facts) -> str:
    """Return the page as HTML text.

    Scripts are bound by their digests in a content security policy, so nothing else can run; all
    text of the files reaches the page as data.

    Raises
    ------
    PlotlyMissingError
        Plotly is not installed.
    """
    plotly, script = _ended(_plotly()), _script()
    parts = {
        "policy": _policy(plotly, script),
        "title": f"{_text(facts.problem.site.name)} - rackwatt",
        "style": _own("page.css"),
        "site": _text(facts.problem.site.name),
        "verdict": _text(_verdict(facts)),
        "verdict_class": "bad" if facts.num_broken or facts.unmet_firm_gpus else "good",
        "figures": "".join(_figure(*figure) for figure in key_figures(facts)),
        "contents": "".join(
            f'<li><a href="#{anchor}">{name}</a></li>' for anchor, name in CONTENTS.items()
        ),
        "facts": embedded(page_data(facts)),
        "plotly": plotly,
        "script": script,
        "footer": _text(_footer(facts)),
    }
    return _PLACE.sub(lambda match: parts[match[1]], _own("page.html"))


def key_figures(facts: Facts) -> list[tuple[str, str, str]]:
    """Return the figures of the title band: name, amount, remark."""
    run = facts.recorded.run
    gap = run.gap if facts.is_of_this_plan else None
    worst = facts.worst
    left = "none known" if worst is None else percent(worst.left_permille / 1000, 1)
    bound = "no bound is recorded for this plan" if gap is None else "proven, of the bound"
    return [
        ("IT power, planned peak", power(facts.it_w), _of_power(facts)),
        ("margin per hour", money(facts.money.margin_mills).replace("/h", ""), _placed(facts)),
        ("gap to the best possible", percent(gap), bound),
        ("limits broken", f"{facts.num_broken:,}", f"of {facts.limits_looked_at:,} looked at"),
        ("firm GPUs missing", f"{facts.unmet_firm_gpus:,}", "of all firm contracts"),
        ("tightest limit has left", left, limit_words(worst)),
    ]


def embedded(data: Mapping[str, object]) -> str:
    """Return data as JSON that can stand inside a script element: no ``<``, ``>`` or ``&``."""
    text = json.dumps(data, separators=(",", ":"), allow_nan=False)
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def _of_power(facts: Facts) -> str:
    nameplate = f"{power(facts.nameplate_w)} on nameplates"
    drawable_mw = facts.recorded.run.power.drawable_mw
    if drawable_mw is None or not facts.is_of_this_plan:
        return nameplate
    return f"{drawn_words(facts.it_w, round(drawable_mw * 1e6))}; {nameplate}"


def _placed(facts: Facts) -> str:
    return f"{facts.placed_gpus:,} of {facts.asked_gpus:,} GPUs are placed"


def _verdict(facts: Facts) -> str:
    if facts.num_broken:
        return f"{facts.num_broken:,} limits are broken."
    holds = f"All {facts.limits_looked_at:,} limits hold, also after every listed failure"
    if facts.unmet_firm_gpus:
        return f"{holds}, but {facts.unmet_firm_gpus:,} firm GPUs are missing."
    return f"{holds}."


def _footer(facts: Facts) -> str:
    run, site = facts.recorded.run, facts.problem.site
    words = [
        f"rackwatt {__version__}. All figures of this page are checked ones",
        f"power basis {site.power_basis}",
    ]
    if facts.is_of_this_plan:
        words += [f"status {run.status}"]
        words += [f"seed {run.seed}"] if run.seed is not None else []
        words += [f"planned in {run.wall_s:,.1f} s"] if run.wall_s is not None else []
        words += [f"problem {run.problem_digest[:12]}"] if run.problem_digest else []
    return "; ".join(words) + "."


def _figure(name: str, amount: str, remark: str) -> str:
    small = f"<small>{_text(remark)}</small>" if remark else ""
    return f"<div><dt>{_text(name)}</dt><dd>{_text(amount)}{small}</dd></div>"


def _text(text: str) -> str:
    return html.escape(clean(text))


def _script() -> str:
    inner = "\n".join(_own(name) for name in SCRIPTS)
    return f'"use strict";\n(() => {{\n{inner}\n}})();\n'


def _policy(*scripts: str) -> str:
    digests = " ".join(
        f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"
        for script in scripts
    )
    return (
        f"default-src 'none'; script-src {digests}; style-src 'unsafe-inline'; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )


def _plotly() -> str:
    if find_spec("plotly") is None:
        raise PlotlyMissingError(
            "Plotly is not installed; the extra report brings it: pip install 'rackwatt[report]', "
            "in a checkout pip install -e '.[report]'"
        )
    return (files("plotly") / "package_data" / "plotly.min.js").read_text(encoding="utf-8")


def _ended(script: str) -> str:
    """Return a script without the words that would end its element."""
    return _END.sub(r"<\\/\1", script)


def _own(name: str) -> str:
    return (files("scheduler.report") / name).read_text(encoding="utf-8")
