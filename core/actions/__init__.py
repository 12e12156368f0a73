"""Actions on a person's files: planned, shown, written down, undoable.

``planning`` looks at the disk and writes a ``plan``; ``apply`` carries it
out, ``undo`` puts everything back, ``recovery`` ends what a crash cut short,
``purge`` alone destroys. Files go into the ``quarantine`` beside their root;
the ``journal`` there says what was done. ``disk`` holds all system calls,
``records`` is how the data set follows.
"""
