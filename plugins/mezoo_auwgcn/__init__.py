"""AUW-GCN (Yin et al., ICME 2023): spots macro- and micro-expression intervals in long videos. See README.md."""
