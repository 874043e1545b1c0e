"""HTTP: one file a backend, and a pool of connections for each event loop.

    transport.py            one attempt: a request out, an answer in, or an error that says whether anything was sent;
                            or a file, piece by piece
      pool_by_loop.py       what a backend provides; finds, opens and closes the connections of the running loop
        httpx_backend.py      httpx
        aiohttp_backend.py    aiohttp
        custom_client.py      a client of the caller's own
      framing.py            where an answer ends, and whether more came: such a connection carries nothing else
      body.py               reads a body under a limit
      decompress.py         undoes its compression, in pieces
      streamed.py           the answer to a request for a file
      tls_and_proxy.py      certificates and proxies, and what the environment has wrong about them
      exceptions.py         which exceptions are faults of an attempt, what they prove, the error they become

.. include:: README.md
"""
