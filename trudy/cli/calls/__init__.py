"""`trudy call`, and what `trudy calls` has beyond the operations of the API.

app.py         `trudy call`: places a call, and follows it
watching.py    a call that is followed: its status, then what is said
transcript.py  `trudy calls transcript`
download.py    `trudy calls download`, and what a person sees of it
downloads.py   recordings and transcripts saved, each once
journal.py     what a folder of downloads has already
"""
