"""The async namespaces of the client, a file a resource; one method is one endpoint.

    agents.py               make, change and delete agents, or try one from a browser
    calls.py                place calls, follow them, read what was said
      _reconcile.py         finds the call whose answer was lost
      _newest_calls.py      the list it looks in, read once for all that look at the same time
      _call_search.py       `calls.find`
      _call_waits.py        what can be waited for: a call's end, its transcript, its recording; a batch's end
      _download.py          `calls.download_recording`
      _destination.py       where a download goes
    webrtc.py               calls from a browser
    batch_calls.py          campaigns that the server dials by itself
      _batch_contacts.py    adds people to one in chunks
    contacts.py             contacts, their folders, their import
      _contact_file.py      what a file of contacts must be
    tools.py                tools that agents may use
    knowledge_bases.py      knowledge bases and their sources
    voices.py               voices, imported and cloned
    telephony.py            phone numbers and carriers' credentials

What they share:

    _base.py                from a method's arguments to a request, and from an answer to a model or a list
    _documented.py          which members and words the API documents; others are refused
    _uploads.py             files to be sent, and multipart forms
    _call_checks.py       what a call and a batch may ask for
    _waiting.py             waits for a final status, or for what comes after it
    _shared_poller.py       one poll for all that wait at the same time
    _raw_request.py         `client.request`: a path without a method of its own

.. include:: README.md
"""
