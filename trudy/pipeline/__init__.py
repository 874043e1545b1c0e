"""What happens to every request, a file a step. From the outside to the wire:

    core.py                 builds a request, sends it down the steps, makes a model or an error of the answer
      middleware_guard.py   around a user's own steps: they may not repeat or change what must not happen twice
      retry.py              a loop around `decide`: whether to send again after an attempt, and when
        redirect.py         307 and 308 within the origin; why another redirect was not followed
          rate_limit.py     waits for its turn at the rate limiter, and tells it how the request fared
            auth.py         the `Authorization` header
              record.py     `before_send`, then counts, times and logs the request that leaves

What the steps share:

    outcome.py              may it have happened? judges how an attempt ended, as the table in the guide says
    decode.py               the error for an answer that is no success, or that cannot be read
    unknown_outcome.py      a call that may have been placed: the error, and the warning where nobody gets it
    logs.py                 `TRUDY_LOG`

What an answer says is read in one place, `trudy/_answer_facts.py`. The pipeline knows no path: what is true of an
endpoint stands in the `Endpoint` beside its resource method.

.. include:: README.md
"""
