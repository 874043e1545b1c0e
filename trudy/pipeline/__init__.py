"""What happens to every request, a file a step.

.. include:: README.md
"""
