"""MESNet (Wang, He, Li, Fu, IEEE TIP 2021): spots micro-expression intervals in long videos. See README.md."""
