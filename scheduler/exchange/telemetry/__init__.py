"""Measured power: what Prometheus or dcgm-exporter saw becomes the figures of a site."""
