"""`make bench-speech`: how many streams one core transcribes in time, beside a plain loop.

legs       one speaker's minute: recorded turns and silence, half and half
server     the two arms as processes on one core: ours, and what vosk-server does
feed       legs sent in real time to a server, and what came back
level      one number of streams, measured
search     the largest number that is in time
score      characters wrong, times of words, lags
report     table, JSON, and a curve as SVG
soak       memory over time
overload   three times what fits
"""
