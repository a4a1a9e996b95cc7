"""The liability book: every account committed, every balance in range, the total a claim of the fund (protocol §6)."""
