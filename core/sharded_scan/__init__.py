"""A scan of a manifest, by shards: for more images than one process carries.

A job is a list of tasks; a task is a pure function from files to one file that is whole
or not there. Threads or a cluster run the tasks; no image and no vector goes through
what runs them. The stages are those of :mod:`core.scan`, called for a part at a time.
"""
