"""What happens to every request, a file a step. From the outside to the wire:

    core.py                 builds a request, takes it down the steps, makes a model or one error of what comes back
      middleware_guard.py   around a user's own steps: nothing that must not happen twice is sent on twice
      retry.py              a loop around `decide`: what follows an ending, how long to wait
        redirect.py         307 and 308 within the origin; why another redirect was not followed
          rate_limit.py     waits for its turn at the rate limiter, and tells it how the request fared
            auth.py         the `Authorization` header
              record.py     `before_send`, then counts, times and logs the request that leaves

What the steps share:

    outcome.py              may it have happened? judges each ending; the table in the guide
    decode.py               an answer that is no success, as one `TrudyError`
    unknown_outcome.py      a call whose fate is not known: the error, and the warning for who does not get it
    logs.py                 `TRUDY_LOG`

What an answer says is read in one place, `trudy/_answer_facts.py`. The pipeline knows no path: what is true of an
endpoint stands in the `Endpoint` beside its resource method.

.. include:: README.md
"""
