"""The errors that reach a person.

Every text is a sentence: what is wrong, why, and what to do.

* CurationError
  + InputError (also a ValueError): a setting or a data set that cannot work
  + EmbedderError: a model that cannot be built, loaded or trusted
  + CacheError: a cache that cannot be written or was deleted while in use
  + Cancelled: the person or the host stopped the run
  + ScanNotFoundError: a data set that was not scanned yet
  + StaleRunError: a stored run that no longer fits the data set
  + ActionError: files or labels cannot be changed as asked
    - PlanOutdatedError: what the plan was made for is no longer there
    - UnsafePathError: a path that leaves its root or goes through a link

One bad image is never an error: it is a :class:`~core.reading.files.ReadFailure`,
a value with a reason.
"""


class CurationError(Exception):
    """Base of all errors of this plugin."""


class InputError(CurationError, ValueError):
    """A setting, a data set or a file that the person must change."""


class EmbedderError(CurationError):
    """A model that cannot be built, loaded, verified or run."""


class CacheError(CurationError):
    """The folder of embeddings cannot be used, or vanished during a scan."""


class Cancelled(CurationError):
    """The run was stopped on purpose; nothing half-made is kept as done."""


class ScanNotFoundError(CurationError):
    """The data set was not scanned yet, or not with that prefix."""


class StaleRunError(CurationError):
    """The stored results of a run are gone or belong to other samples."""


class ActionError(CurationError):
    """An action on files or labels that could not be started or completed."""


class PlanOutdatedError(ActionError):
    """The plan was used, is gone, or no longer fits the data set."""


class UnsafePathError(ActionError):
    """A path that leaves its root or goes through a symbolic link."""
