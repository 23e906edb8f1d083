"""The rules of a site, one file each."""
