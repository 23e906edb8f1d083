"""NetBox: racks, power panels, feeds, ports, outlets and devices become a site."""
