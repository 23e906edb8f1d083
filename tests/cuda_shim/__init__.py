"""Runs the CUDA source on the CPU, so that everything but the machine itself is tested anywhere."""
