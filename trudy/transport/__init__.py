"""HTTP: one file a backend, and a pool of connections for each event loop.

    transport.py            one attempt: sends a request, gives the answer or an error that says whether anything was
                            sent; or gives a file, piece by piece
      pool_by_loop.py       what a backend must provide; finds, opens and closes the pool of the running loop
        httpx_backend.py      httpx
        aiohttp_backend.py    aiohttp
        custom_client.py      `http_client=`: a client of the caller's own
      framing.py            where an answer ends, and whether more bytes came: that connection is used no more
      body.py               reads a body, up to a limit
      decompress.py         decompresses it, in pieces
      streamed.py           the answer to a request for a file
      tls_and_proxy.py      certificates and proxies, and errors for what is wrong with them in the environment
      exceptions.py         which exceptions are faults of an attempt, what they prove, the error they become

.. include:: README.md
"""
