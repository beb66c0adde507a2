"""`make bench`: how long a key takes to become an INVITE, with the gateway and without it.

stats    p50, p95 and what they are worth; no I/O
stages   from what was seen of a transfer to the time each part took; no I/O
arm      one town with its phones: with the gateway, without it, or plain blind transfer
transfer one call, measured
speech   end of speech to final utterance, over one long call
plan     all of it in one run, the arms turn about
report   tables for people, one JSON object for machines
"""
