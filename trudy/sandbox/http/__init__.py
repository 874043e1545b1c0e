"""The HTTP side: how requests arrive, and what every request passes through.

in_process.py         requests without a socket: an httpx transport around the application
server.py             requests over HTTP: uvicorn on two ports
connection.py         the application's view of either connection
app.py                the application: which handler serves which path
  api_endpoint.py     the steps of every API request: limit, key, replay, handler, faults, answer
    rate_limit.py     the request limit, counted before the key is checked
    idempotency.py    a repeated keyed create gets the first answer again
    handler.py        the arguments and results of handlers, and the pages of lists
  contract.py         the operations of the API document, and checks of requests against it
    schema.py         checks a value against a schema
    multipart.py      reads forms with files
  problems.py         the documented refusals, as exceptions
  wire.py             writes answers as bytes
recordings.py         the audio files, on an origin of their own
control.py            `/_sandbox/`, for people and for tests in other languages
  snapshot.py         what it shows
  redaction.py        masks phone numbers and secrets in it
records.py            remembers the requests that arrived
"""
