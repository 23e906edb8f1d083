"""Slurm: topology, nodes, reservations and power out; topology, nodes and the queue in."""
