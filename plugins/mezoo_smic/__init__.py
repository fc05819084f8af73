"""SMIC, SMIC-E and 4DME (University of Oulu)."""
