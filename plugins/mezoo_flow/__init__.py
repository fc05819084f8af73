"""Optical flow between frames: TV-L1, Farneback and DIS, and what papers derive from them."""
