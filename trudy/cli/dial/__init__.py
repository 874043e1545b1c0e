"""`trudy dial`: campaigns from a shell.

app.py          init, plan, rehearse, run and start
control.py      what needs no API: status, pause, resume, stop, why, do-not-call list, results
options.py      options that several commands take; those of a campaign are one object
planning.py     the plan of a campaign: made, judged, confirmed
policy_file.py  a policy as TOML; `policy.toml` is what `init` writes
rehearsing.py   shares of outcomes, and a rehearsal as JSON
running.py      a run that is watched, and its exit code
progress.py     where a campaign stands: lines for a terminal, JSON; pure
screens.py      a live view on a terminal, JSON lines elsewhere
workers.py      a process that dials with others
stores.py       dialers for commands, and the campaigns of a store
"""
