"""`make load`: many calls at a time, each with one transfer, on the lab; no transcription.

What makes the load: SIP phones of the lab in one process (`gateway.lab.phones`), one for each seat
and one trunk for all the callers, and one process (`pump`) that sends the audio of every phone, 50
packets a second each, in batches. Each phone has an RTP socket of its own; what arrives is counted
by the kernel and read only where it is measured: at a caller's, around the transfer.

batch    sendmmsg(2): many datagrams in one system call
streams  the RTP of all phones, 20 ms at a time; no I/O
pump     the process that sends it, and its other end
quiet    a phone's audio whose sending is the pump's
crowd    a town with many seats and the phones of all
one      one call: up, transferred, ended
level    so many calls at a time, measured
cost     processor time of the gateway's processes
report   tables, a picture, one JSON object
"""
