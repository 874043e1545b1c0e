"""HTTP: one file a backend, and a pool of connections for each event loop.

.. include:: README.md
"""
