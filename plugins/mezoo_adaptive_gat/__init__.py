"""Adaptive GAT with temporal fusion (Zhang et al., ICME 2023): recognises micro-expressions. See README.md."""
