"""NVIDIA Topograph: model and graph, out and in."""
