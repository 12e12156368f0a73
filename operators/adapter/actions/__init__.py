"""Actions on a data set's files and labels, on top of :mod:`core.actions`.

``selections`` says which samples, ``references`` who else uses their files,
``plans`` makes the plan, ``records`` lets samples follow their files,
``carrying_out`` applies, undoes and purges; ``steps``, ``forms`` and
``reports`` are the way of a person through them.
"""
