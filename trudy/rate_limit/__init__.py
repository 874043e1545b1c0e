"""Who of all that share a credential may send now, and when the others may.

.. include:: README.md
"""
