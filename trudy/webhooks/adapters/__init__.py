"""Adapters for web frameworks: each reads a request, hands it to the router, and sends the answer.

    asgi.py          any ASGI server; mounted in Starlette and FastAPI
    fastapi.py       a FastAPI dependency that gives a route the event
    aiohttp.py       an aiohttp handler
    django.py        a Django view, plain or async
    flask.py         a Flask view
    wsgi.py          any WSGI server
    aws_lambda.py    a function behind a function URL, API Gateway or a load balancer

Each checks the size of the body and then reads it as its framework does, so that middleware can read it too, before and
after.
"""
