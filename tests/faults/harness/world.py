"""A small data set on a real file system, with everything that bites."""

import hashlib
import os
import random
import stat
import tempfile
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import core.actions.plan
import core.actions.session
from core.actions.filesystem import Disk
from core.actions.limits import Totals
from core.actions.planner import Request, Rules, Where, make_plan
from core.actions.quarantine import FILES, action_folders, quarantine_of

from .dataset import Dataset, disagreements

ITEMS_A_BATCH = 3
"""Small, so that a small tree has several batches."""

LONG_NAME = "n" * 251 + ".jpg"
ODD_NAMES = ("new\nline.jpg", "quo'te\".jpg", "bad\udcff\udcfe.jpg", "$(x) `y`.jpg")
KEEPERS = {
    "train/dog/img_0002.jpg": "train/cat/img_0001.jpg",
    "val/cat/img_0001.jpg": "train/cat/img_0001.jpg",
    "train/bird/img_0002.jpg": "train/dog/img_0001.jpg",
}
"""Copies that may go, each with the copy that stays."""

_SINGLE = (
    "train/cat/img_0001.jpg",
    "train/dog/img_0001.jpg",
    "train/bird/img_0001.jpg",
)
_ODD = tuple(f"train/bird/{name}" for name in (*ODD_NAMES, LONG_NAME))
_SIDECARS = ("train/dog/img_0002.txt", "train/bird/img_0001.xml")
_MODES = (0o644, 0o600, 0o640, 0o755, 0o666)
_FIRST_NS = 1_600_000_000_123_456_789


def scratch_folder():
    """Returns where trees are built: in memory if the system has such a place."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


@contextmanager
def small_batches(monkeypatch_to=ITEMS_A_BATCH):
    """Makes batches small for as long as it lasts."""
    modules = (core.actions.plan, core.actions.session)
    before = [module.ITEMS_A_BATCH for module in modules]
    for module in modules:
        module.ITEMS_A_BATCH = monkeypatch_to
    try:
        yield
    finally:
        for module, value in zip(modules, before, strict=True):
            module.ITEMS_A_BATCH = value


@contextmanager
def fresh_world(**more):
    """Builds a world in a folder that is gone afterwards."""
    with tempfile.TemporaryDirectory(
        dir=scratch_folder(), prefix="winnow-", ignore_cleanup_errors=True
    ) as base:
        yield World.build(Path(base), **more)


@dataclass
class World:
    """A root with files, a data set that knows them, a quarantine beside.

    Attributes:
        base: folder of all
        dataset: the samples
        tree: of the root as it was built: ``{path: (bytes, mode, time)}``
        folders: of the root as it was built
        rows: of the data set as it was built
        ids: ids of the samples of a file, by its path in the root
    """

    base: Path
    dataset: Dataset
    tree: dict = field(default_factory=dict)
    folders: set = field(default_factory=set)
    rows: dict = field(default_factory=dict)
    ids: dict = field(default_factory=dict)

    @classmethod
    def build(cls, base, dataset=None):
        world = cls(base, Dataset(dataset or base / "samples.db"))
        contents = {path: _content(path) for path in (*_SINGLE, *_ODD, *_SIDECARS)}
        for copy, keeper in KEEPERS.items():
            contents[copy] = contents[keeper]
        for number, (path, data) in enumerate(contents.items()):
            world.put(path, data, _MODES[number % len(_MODES)], number)
        images = [path for path in contents if path not in _SIDECARS]
        world.ids = {path: [f"s{number}"] for number, path in enumerate(images)}
        # One file of two samples
        world.ids["train/bird/img_0002.jpg"].append("twin")
        world.dataset.create(
            (key, str(world.root / path), path.split("/")[-2])
            for path, keys in world.ids.items()
            for key in keys
        )
        world.remember()
        return world

    @property
    def root(self):
        return self.base / "data"

    @property
    def quarantine(self):
        return quarantine_of("d1", str(self.base))

    def remember(self):
        """Takes the state of now for the one that an undo must bring back."""
        self.tree, self.folders = snapshot(self.root)
        self.rows = self.dataset.rows()

    def put(self, path, data, mode=0o644, number=0):
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
        file.chmod(mode)
        os.utime(file, ns=(_FIRST_NS, _FIRST_NS + number * 1_000_000_007))

    def user_writes(self, path, data):
        """The person saves a file: what was there before is their own loss."""
        self.put(path, data)
        self.tree, self.folders = self._with(path, snapshot(self.root)[0][path])

    def user_deletes(self, path):
        (self.root / path).unlink()
        self.tree, self.folders = self._with(path, None)

    def _with(self, path, entry):
        tree = {key: value for key, value in self.tree.items() if key != path}
        if entry is not None:
            tree[path] = entry
        folders = {str(above) for above in Path(path).parents} - {"."}
        return tree, self.folders | folders

    def request(self, path, **more):
        label, split = path.split("/")[-2], path.split("/")[0]
        keeper = more.pop("keeper", KEEPERS.get(path))
        if keeper is not None:
            data = (self.root / keeper).read_bytes()
            digest = hashlib.sha256(data).hexdigest()
            more["kept_copy"] = (str(self.root / keeper), digest, self.ids[keeper][0])
            more.setdefault("sha256", digest)
        fields = {"why": "test", "label": label, "split": split, **more}
        return Request(str(self.root / path), records=self.ids.get(path, []), **fields)

    def plan(self, action, requests, *, disk=None, rules=Rules(), **where):
        return make_plan(
            action,
            requests,
            where=Where(str(self.root), str(self.root), self.quarantine, **where),
            # So many that no limit is met: those have their own tests
            totals=Totals(
                10_000,
                dict.fromkeys(("cat", "dog", "bird", "fox"), 10_000),
                dict.fromkeys(("train", "val"), 10_000),
            ),
            rules=rules,
            folder=self.base / "plans",
            options={"label": "fox"},
            disk=disk or Disk(),
        )

    def plan_quarantine(self, **more):
        """Copies with a keeper, odd names without."""
        return self.plan(
            "quarantine", [self.request(path) for path in (*KEEPERS, *_ODD)], **more
        )

    def plan_retag(self, **more):
        """Into a class that is there, into new ones, and a label alone."""
        targets = {
            "train/bird/img_0001.jpg": "train/cat/img_0001.jpg",
            "train/dog/img_0001.jpg": "train/fox/img_0001.jpg",
            "val/cat/img_0001.jpg": "new/deep/fox/img_0001.jpg",
            "train/bird/new\nline.jpg": "train/fox/new\nline.jpg",
        }
        requests = [
            self.request(path, target=target, keeper=None)
            for path, target in targets.items()
        ]
        requests.insert(2, self.request("train/cat/img_0001.jpg", stays=True))
        return self.plan("retag", requests, target_root=str(self.root), **more)

    def actions(self):
        return action_folders(self.quarantine)

    # What is there now

    def contents(self):
        """Counts the bytes that exist, wherever the files are."""
        files, _ = snapshot(self.root)
        found = Counter(data for data, _, _ in files.values())
        for file in Path(self.quarantine).glob(f"*/{FILES}/**/*"):
            if file.is_file() and not file.is_symlink():
                found[file.read_bytes()] += 1
        return found

    def lost(self, purged=Counter()):
        """Returns the bytes that are gone: one entry a file."""
        before = Counter(data for data, _, _ in self.tree.values())
        return list((before - self.contents() - purged).elements())

    def overwritten(self):
        """Returns the paths of the root whose bytes are others, and nowhere else."""
        now, _ = snapshot(self.root)
        left = self.contents()
        return [
            path
            for path, (data, _, _) in self.tree.items()
            if path in now and now[path][0] != data and not left[data]
        ]

    def without_copy(self):
        """Returns the clusters of which no copy is in the root, by their keepers."""
        now = {data for data, _, _ in snapshot(self.root)[0].values()}
        known = {data for data, _, _ in self.tree.values()}
        return [
            path
            for path in sorted(set(KEEPERS.values()))
            if _content(path) in known and _content(path) not in now
        ]

    def disagreements(self):
        digests = {
            key: digest_of(self.rows_data[key]) for key in self.rows if key in self.rows
        }
        return disagreements(
            self.dataset,
            digests,
            lambda path: digest_of(_read(path)),
        )

    @property
    def rows_data(self):
        return {
            key: self.tree[os.path.relpath(path, self.root)][0]
            for key, (path, _, _) in self.rows.items()
        }

    def differences(self):
        """Returns a sentence for each way the root and data set are not as built."""
        files, folders = snapshot(self.root)
        found = []
        for path in sorted(set(files) | set(self.tree)):
            if files.get(path) != self.tree.get(path):
                before, now = self.tree.get(path), files.get(path)
                found.append(f"{path!r} was {_short(before)}, is {_short(now)}")
        found += [
            f"the folder {path} is new" for path in sorted(folders - self.folders)
        ]
        found += [
            f"the folder {path} is gone" for path in sorted(self.folders - folders)
        ]
        rows = self.dataset.rows()
        for key in sorted(set(rows) | set(self.rows)):
            if rows.get(key) != self.rows.get(key):
                found.append(f"sample {key}: {self.rows.get(key)}, is {rows.get(key)}")
        return found


def snapshot(root):
    """Returns ``{path: (bytes, mode, modification time)}`` and the folders."""
    files, folders = {}, set()
    for folder, inner, names in os.walk(root):
        folders.update(os.path.relpath(f"{folder}/{name}", root) for name in inner)
        for name in names:
            path = f"{folder}/{name}"
            status = os.lstat(path)
            if stat.S_ISREG(status.st_mode):
                data = _read(path)
                key = os.path.relpath(path, root)
                files[key] = (data, status.st_mode, status.st_mtime_ns)
    return files, folders


def digest_of(data):
    return None if data is None else hashlib.sha256(data).hexdigest()


def _read(path):
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return None


def _content(path):
    rng = random.Random(os.fsencode(path))
    return rng.randbytes(rng.randrange(40, 400))


def _short(entry):
    if entry is None:
        return "absent"
    data, mode, time = entry
    return f"{digest_of(data)[:8]} {mode:o} {time}"
