"""The operator's questions. Each composes the pipeline: read, solve, check, say it in words."""
