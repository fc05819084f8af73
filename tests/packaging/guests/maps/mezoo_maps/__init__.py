"""A guest: maps of optical flow that somebody computed, without films."""
