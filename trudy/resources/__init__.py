"""The async namespaces of the client, a file a resource; one method is one endpoint.

.. include:: README.md
"""
