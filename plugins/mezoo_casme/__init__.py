"""CASME, CASME II, CAS(ME)^2 and CAS(ME)^3 (Institute of Psychology, Chinese Academy of Sciences)."""
