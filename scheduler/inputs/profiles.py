"""The built-in power profiles.

Figures are thousandths of the dynamic range: a rack's peak less its idle power.
The cap floor is 5.6 kW of a node that idles at 1.9 kW and peaks at 8.4 kW in operation:
``(5.6 - 1.9) / (8.4 - 1.9) = 3.7 / 6.5 = 0.5692``, rounded up to 570. Against the nameplate of
10.2 kW the same share is 6.6 kW, which is on the safe side.
"""

from __future__ import annotations

from scheduler.model import PowerProfile

CAP_FLOOR_PERMILLE = 570
_CAP = "cap floor [D] from a node minimum of 5.6 kW [T: NVIDIA DPS] and 1.9 kW idle [A]"

BUILT_IN = {
    profile.name: profile
    for profile in (
        PowerProfile(
            name="training-sync",
            mean_permille=720,
            peak_permille=1000,
            cap_permille=CAP_FLOOR_PERMILLE,
            swing_permille=600,
            synchronous=True,
            source=f"[A] mean 0.72, design peak 1.00, swing depth 0.6 at 0.2-3 Hz; {_CAP}",
        ),
        PowerProfile(
            name="inference-prefill",
            mean_permille=600,
            peak_permille=900,
            cap_permille=CAP_FLOOR_PERMILLE,
            source=f"[A] mean 0.60, peak 0.90; {_CAP}",
        ),
        PowerProfile(
            name="inference-decode",
            mean_permille=350,
            peak_permille=600,
            cap_permille=600,
            source="[A] mean 0.35, peak 0.60; memory-bound, so that a cap never binds [T: arXiv "
            "2605.11999]",
        ),
        PowerProfile(
            name="batch",
            mean_permille=600,
            peak_permille=920,
            cap_permille=CAP_FLOOR_PERMILLE,
            source=f"[A] mean 0.60, peak 0.92; {_CAP}",
        ),
        PowerProfile(
            name="opaque",
            mean_permille=720,
            peak_permille=1000,
            cap_permille=CAP_FLOOR_PERMILLE,
            swing_permille=600,
            source=f"[A] work of others, taken as training to be safe; {_CAP}",
        ),
        PowerProfile(
            name="idle",
            mean_permille=0,
            peak_permille=50,
            cap_permille=50,
            source="[A] warm: mean 0, peak 0.05",
        ),
    )
}

# What is done with an internal tenant's work when power is short, unless the job says otherwise.
DEFAULT_ACTION = {
    "training-sync": "shed",
    "inference-prefill": "cap",
    "inference-decode": "cap",
    "batch": "shed",
    "opaque": "firm",
    "idle": "shed",
}
