"""`trudy demo`: an agent, a call, a campaign and its report on a sandbox; no account, and no phone rings.

command      the command
showing      the demo from its beginning to its end, on simulated time
first_call   an agent made, and one call of it followed
campaign     200 rows planned, dialed and judged
"""
