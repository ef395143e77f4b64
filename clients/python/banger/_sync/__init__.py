"""The blocking client. All files but `_io.py` are made from `banger/aio` by clients/python/generate."""
