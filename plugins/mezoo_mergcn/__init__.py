"""MER-GCN (Lo, Xie, Shuai, Cheng, IEEE MIPR 2020): recognises micro-expressions with a graph of action units."""
