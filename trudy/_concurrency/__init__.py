"""What works on any event loop, and from any thread.

fifo_semaphore.py    permits, first come, first served
loops.py             which loop runs and whose it is; time limits, injected clock or real; waking a task from any thread
fork.py              what is imported before a fork, and what a forked child must make anew
"""
