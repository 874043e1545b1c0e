"""A router in each web framework: reads a request of its kind, hands it to the router, and sends the answer.

    asgi.py          any ASGI server; mounted in Starlette and FastAPI
    fastapi.py       a FastAPI dependency that gives a route the event
    aiohttp.py       an aiohttp handler
    django.py        a Django view, plain or async
    flask.py         a Flask view
    wsgi.py          any WSGI server
    aws_lambda.py    a function behind a function URL, API Gateway or a load balancer

Each takes the body as its framework does, after checking its size, so that others may read it before and after.
"""
