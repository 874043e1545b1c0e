"""The handlers behind the API's paths, a file a resource: each takes an `ApiRequest` and gives a `HandlerReply`.

agents.py             create, read, update, delete, list
calls.py              placed once, then read; what they are at any moment follows from the clock
webrtc.py             calls from a browser
batch_calls.py        drafted, scheduled, paused, resumed; what they do in between follows from the clock
contacts.py           contacts, their folders, their import
tools.py              definitions that agents may use, kept as they were given
knowledge_bases.py    and the documents and pages they are made of
voices.py             imported, or cloned from recordings
telephony.py          numbers searched, bought or brought along, and the agents they serve
"""
