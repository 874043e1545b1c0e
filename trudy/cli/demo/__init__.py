"""`trudy demo`: an agent, a call, a campaign and its report on a sandbox; no account, and no phone rings.

command      the command
showing      the demo from its beginning to its end, on simulated time: an agent, a call of it, the campaign
campaign     200 rows planned, dialed and judged
"""
