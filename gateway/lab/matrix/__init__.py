"""Every verb with every outcome, on real calls: `python -m gateway.lab.matrix`.

`table` says what there is, `pairs` which rows to play, `expect` what must come of each, `acts` how
it is brought about, `judge` whether it held.
"""
