"""Liandong (联动): links the 12345 government hotline and the 110 police line on Asterisk."""
