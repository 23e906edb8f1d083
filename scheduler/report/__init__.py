"""A plan as pictures: the page of ``rackwatt report``."""
