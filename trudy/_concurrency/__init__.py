"""What works on any event loop, and from any thread.

wakeup.py            wake one task from another thread, or all who wait
timeout.py           a bound on how long something may take, on an injected clock or in real seconds
fifo_semaphore.py    permits, first come, first served
loops.py             which loop runs, and whose it is
fork.py              what a forked child must make anew
first_use.py         what a first call imports, before any thread or fork needs it
"""
