"""Messages per second that Python's email package (compat32) parses: parse.py FILE SECONDS."""

import email
import sys
import time

message = open(sys.argv[1], "rb").read()
seconds = float(sys.argv[2])
start = time.perf_counter()
count = 0
while time.perf_counter() - start < seconds:
    email.message_from_bytes(message)
    count += 1
print(count / (time.perf_counter() - start))
