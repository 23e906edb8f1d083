"""NVIDIA DPS: the power topology, out and in."""
