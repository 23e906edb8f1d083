"""The baselines: published ways to place jobs, on the same forms and with the same check."""
