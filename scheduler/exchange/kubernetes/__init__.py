"""Kubernetes: plans for Kueue, KAI and Volcano out; nodes and the running plan in."""
