"""Measurements of the proof system; run by `make bench`, never by the tests."""
