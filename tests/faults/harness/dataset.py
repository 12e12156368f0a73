"""A data set in SQLite: the durable other side of an action."""

import contextlib
import os
import sqlite3

from core.actions.quarantine import is_quarantined

_COLUMNS = ("filepath", "label", "tag")


class Dataset:
    """Samples with a path, a label and a tag. Opened anew for every call.

    A connection is not carried over a fork, and a killed process leaves a
    transaction that SQLite takes back.
    """

    def __init__(self, file):
        self.file = str(file)

    @contextlib.contextmanager
    def open(self):
        connection = sqlite3.connect(self.file, timeout=30)
        try:
            with connection:
                yield connection
        finally:
            connection.close()

    def create(self, rows):
        with self.open() as database:
            # As durable as a test needs: a killed process loses nothing
            database.execute("PRAGMA synchronous = OFF")
            database.execute(
                "CREATE TABLE samples"
                " (id TEXT PRIMARY KEY, filepath BLOB, label TEXT, tag TEXT)"
            )
            database.executemany(
                "INSERT INTO samples VALUES (?, ?, ?, NULL)",
                [(key, os.fsencode(path), label) for key, path, label in rows],
            )

    def rows(self):
        """Returns ``{id: (filepath, label, tag)}``."""
        with self.open() as database:
            found = database.execute("SELECT id, filepath, label, tag FROM samples")
            return {key: (os.fsdecode(p), label, tag) for key, p, label, tag in found}

    def delete(self, key):
        with self.open() as database:
            database.execute("DELETE FROM samples WHERE id = ?", (key,))

    def set(self, key, column, value):
        assert column in _COLUMNS
        with self.open() as database:
            database.execute(
                f"UPDATE samples SET {column} = ? WHERE id = ?",
                (os.fsencode(value) if column == "filepath" else value, key),
            )

    def records_of(self, plan):
        return DatasetRecords(self, plan)


class DatasetRecords:
    """Implements :class:`core.actions.dataset_side.Records`."""

    def __init__(self, dataset, plan):
        self._dataset = dataset
        self._plan = plan

    def before(self, items):
        rows = self._dataset.rows()
        found = []
        for item in items:
            kept = {key: list(rows[key]) for key in item.records if key in rows}
            whole = len(kept) == len(item.records)
            found.append(kept if whole else "its sample was deleted since")
        return found

    def follow(self, changes):
        with self._dataset.open() as database:
            for change in changes:
                for key, old in change.before.items():
                    database.execute(
                        "UPDATE samples SET filepath = ?, label = ?, tag = ?"
                        " WHERE id = ? AND filepath = ?",
                        (*self._new(change.item, old), key, os.fsencode(old[0])),
                    )

    def go_back(self, changes):
        rows = self._dataset.rows()
        reasons = []
        with self._dataset.open() as database:
            for change in changes:
                reason = None
                for key, (path, label, tag) in change.before.items():
                    row = rows.get(key)
                    if row is None:
                        reason = "its sample was deleted since"
                        continue
                    new_path, new_label, _ = self._new(change.item, (path, label, tag))
                    if row[0] not in (os.fsdecode(new_path), path):
                        reason = "its sample has another path since"
                        continue
                    if row[1] not in (new_label, label):
                        reason = "its label was changed since"
                        label = row[1]
                    database.execute(
                        "UPDATE samples SET filepath = ?, label = ?, tag = ?"
                        " WHERE id = ?",
                        (os.fsencode(path), label, tag, key),
                    )
                reasons.append(reason)
        return reasons

    def forget(self, changes):
        with self._dataset.open() as database:
            for change in changes:
                for key, old in change.before.items():
                    database.execute(
                        "DELETE FROM samples WHERE id = ? AND filepath = ?",
                        (key, self._new(change.item, old)[0]),
                    )

    def places(self, samples):
        rows = self._dataset.rows()
        return {key: rows[key][0] for key in samples if key in rows}

    def _new(self, item, old):
        path, label, tag = old
        if item.target is not None:
            root = self._plan.target_root or str(self._plan.file.parent)
            path = os.path.join(root, item.target)
        if self._plan.action == "quarantine":
            tag = "quarantined"
        else:
            label = self._plan.options["label"]
        return os.fsencode(path), label, tag


def disagreements(dataset, contents, digest_of):
    """Returns a sentence for each sample that is not as its file is.

    Args:
        dataset: to look at
        contents: digest of the bytes each sample had, by sample
        digest_of: returns the digest of a file's bytes, None for no file
    """
    found = []
    for key, (path, _, tag) in dataset.rows().items():
        if digest_of(path) != contents[key]:
            found.append(f"sample {key} points to {path!r}, which is not its file")
        if (tag == "quarantined") != is_quarantined(path):
            found.append(f"sample {key} has the tag {tag} and the path {path!r}")
    return found
