"""``rackwatt import``: one subcommand for each format of a neighbour."""
