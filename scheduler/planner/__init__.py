"""From forms to shards: bound, construct, improve. The only importer of ortools."""
