"""The composite of three datasets that MEGC 2019 is scored on."""
