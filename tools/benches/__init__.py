"""The bench: it drives the HTTP API like a user and reads what that cost from the kernel and the servers.

``place`` brings servers and daemons up and counts, ``user`` speaks HTTP, ``workloads`` says what is
done, ``requests`` asks questions many times, ``report`` shows figures beside those of the classic Heat.
"""
