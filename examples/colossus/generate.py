"""Write the workload of this example: ``workload.yaml`` and ``jobs.csv``, seeded.

Run it without arguments in any folder; it writes beside itself. Sizes, prices and shares are
synthetic [A]: prices lie in the range of published 2026 contracts, sizes follow a power law.
"""

from __future__ import annotations

import csv
import random
from pathlib import Path

SEED = 2026
HOPPER_GPUS, GB200_GPUS = 184_320, 37_440
DEMAND = 1.15  # of the GPUs of the site
ANCHOR_GPUS = 92_160  # the large customer
HOPPER, H200, GB200 = ["h100", "h200"], ["h200"], ["gb200"]
COLUMNS = (
    "name",
    "tenant",
    "units",
    "min_units",
    "gpus_per_unit",
    "gpu_types",
    "power",
    "power_action",
    "required",
    "preferred",
    "slowdown",
    "value_usd_per_gpu_h",
)
Row = dict[str, object]


def contracts(draw: random.Random) -> list[Row]:
    """Return one large and many small external contracts."""
    rows: list[Row] = [
        {
            "tenant": "anchor",
            "gpus": ANCHOR_GPUS,
            "gpu_types": HOPPER,
            "price_usd_per_gpu_h": 2.35,
            "notice_days": 90,
            "sla": "{survives: [ups, cdu], spare_nodes: 2 %}",
            "isolation": "array",
        }
    ]
    for number in range(1, 61):
        isolation = draw.choices(["host", "rack", "array"], [5, 4, 1])[0]
        is_gb200 = isolation != "array" and draw.random() < 0.25
        if is_gb200:
            gpus, types, price = 72 * draw.choice([1, 2, 4]), GB200, draw.uniform(3.5, 6.0)
        else:
            nodes = 60 if isolation == "array" else draw.choice([4, 8, 16, 24, 32, 48])
            gpus, types, price = 8 * nodes, HOPPER, draw.uniform(2.2, 3.4)
        rows.append(
            {
                "tenant": f"customer-{number:02d}",
                "gpus": gpus,
                "gpu_types": types,
                "price_usd_per_gpu_h": round(price, 2),
                "notice_days": draw.choice([30, 90, 180]),
                "sla": draw.choice(["{survives: [ups, cdu]}", "{survives: [rack]}", "{}"]),
                "isolation": isolation,
            }
        )
    return rows


def job(name: str, tenant: str, units: int, size: int, **fields: object) -> Row:
    """Return one line of the table; what is left out stays empty."""
    row = {"name": name, "tenant": tenant, "units": units, "gpus_per_unit": size, **fields}
    types = row["gpu_types"]
    return row | {"gpu_types": ";".join(types) if isinstance(types, list) else types}


def training(draw: random.Random, number: int) -> Row:
    """Return a synchronous gang that is shed when power is short."""
    is_gb200 = draw.random() < 0.25
    nodes = draw.choice([64, 128, 128, 256, 512])
    units, size = (draw.choice([36, 72, 126, 180]), 4) if is_gb200 else (nodes, 8)
    return job(
        f"train-{number:03d}",
        draw.choice(["frontier", "multimodal", "robotics"]),
        units,
        size,
        gpu_types=GB200 if is_gb200 else HOPPER,
        power="training-sync",
        power_action="shed",
        required="pod",
        preferred="array",
        slowdown="1 %",
        value_usd_per_gpu_h=round(
            draw.uniform(2.8, 3.6) if is_gb200 else draw.uniform(1.7, 2.2), 2
        ),
    )


def serving(draw: random.Random, number: int) -> Row:
    """Return elastic inference that is capped when power is short."""
    is_gb200 = draw.random() < 0.2
    units = draw.choice([4, 8, 16, 32])
    size = 4 if is_gb200 else draw.choice([2, 4, 8, 8])
    return job(
        f"serve-{number:04d}",
        draw.choice(["assistant", "search", "voice"]),
        units,
        size,
        min_units=units // 2,
        gpu_types=GB200 if is_gb200 else draw.choice([HOPPER, HOPPER, H200]),
        power=draw.choice(["inference-decode", "inference-prefill"]),
        power_action="cap",
        value_usd_per_gpu_h=round(
            draw.uniform(3.3, 4.6) if is_gb200 else draw.uniform(2.1, 2.9), 2
        ),
    )


def small(draw: random.Random, number: int) -> Row:
    """Return fine-tuning, experiments and batch."""
    is_gb200 = draw.random() < 0.15
    nodes = min(32, int(draw.paretovariate(1.2)))
    units, size = (
        (draw.choice([4, 9, 18]), 4) if is_gb200 else (nodes, draw.choice([1, 2, 4, 8, 8]))
    )
    return job(
        f"run-{number:04d}",
        draw.choice(["research", "data", "evaluation"]),
        units,
        size,
        gpu_types=GB200 if is_gb200 else HOPPER,
        power="batch",
        required="nvlink" if is_gb200 else "array",
        value_usd_per_gpu_h=round(
            draw.uniform(1.8, 3.2) if is_gb200 else draw.uniform(0.6, 2.0), 2
        ),
    )


def jobs(draw: random.Random, gpus: float) -> list[Row]:
    """Return jobs of `gpus` GPUs in all: 48 % training, 25 % serving, 27 % small ones."""
    rows: list[Row] = []
    for make, share in ((training, 0.48), (serving, 0.25), (small, 0.27)):
        left, number = gpus * share, 0
        while left > 0:
            number += 1
            row = make(draw, number)
            rows.append(row)
            left -= int(str(row["units"])) * int(str(row["gpus_per_unit"]))
    return rows


def workload_text(rows: list[Row]) -> str:
    """Return the workload file: tenants and contracts; the jobs stand in the table."""
    internal = ("frontier", "multimodal", "robotics", "assistant", "search", "voice")
    lines = ["# Written by generate.py.", "name: colossus", "tenants:"]
    lines += [
        f"  - {{name: {row['tenant']}, kind: external, isolation: {row['isolation']}}}"
        for row in rows
    ]
    lines += [f"  - {{name: {name}, kind: internal}}" for name in internal]
    lines += [
        f"  - {{name: {name}, kind: internal, isolation: shared-host}}"
        for name in ("research", "data", "evaluation")
    ]
    lines += ["contracts:"]
    for row in rows:
        types = row["gpu_types"]
        assert isinstance(types, list)
        lines += [
            f"  - {{tenant: {row['tenant']}, gpus: {row['gpus']}, gpu_types: [{', '.join(types)}],",
            f"     price_usd_per_gpu_h: {row['price_usd_per_gpu_h']}, firm: true,"
            f" notice_days: {row['notice_days']}, sla: {row['sla']}}}",
        ]
    return "\n".join([*lines, "jobs: jobs.csv", ""])


def main() -> None:
    """Write both files."""
    draw = random.Random(SEED)
    folder = Path(__file__).parent
    sold = contracts(draw)
    rest = DEMAND * (HOPPER_GPUS + GB200_GPUS) - sum(int(str(row["gpus"])) for row in sold)
    (folder / "workload.yaml").write_text(workload_text(sold), encoding="utf-8")
    with (folder / "jobs.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, COLUMNS, restval="", lineterminator="\n")
        table.writeheader()
        table.writerows(jobs(draw, rest))


if __name__ == "__main__":
    main()
