"""`trudy doctor`: looks at everything that a call needs, and says what to do about what is wrong.

command       the command
examination   all checks, one after the other
diagnosis     what one check found
verdicts      what facts mean; pure
network       connections, TLS and receivers, looked at without the API
bounded       a limit of time for what cannot be interrupted
"""
