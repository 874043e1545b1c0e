"""The handlers of the API's paths, one file for each resource: each takes an `ApiRequest` and returns a `HandlerReply`.

agents.py             create, read, update, delete, list
calls.py              create, read, delete, list; transcript and recording
webrtc.py             create calls from a browser
batch_calls.py        create, change, schedule, pause, resume, delete; contacts and analytics
contacts.py           contacts, folders and imports
tools.py              create, read, update, delete, list
knowledge_bases.py    knowledge bases, and their documents and web pages
voices.py             import, clone, read, update, delete, list
telephony.py          phone numbers: search, buy, import, assign, release
"""
