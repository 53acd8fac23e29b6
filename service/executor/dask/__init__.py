"""A farm behind the port: Dask distributed carries orders and words, and sees who is gone. Nobody else imports it.

`executor` is the service's end, `worker` that of a machine that keys, `scheduler` what stands between them; `tasks`
holds the functions that travel by name, `words` what they say to each other.
"""
