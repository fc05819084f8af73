"""Spot, then recognise: one recipe that joins a spotter and a recogniser, trained fold by fold without leak."""
