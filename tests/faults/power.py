"""A disk that may lose its power: what is on it after any operation, and what the next start may find there.

The model is that of a file system which promises no more than POSIX does:

- What fsync or fdatasync of a file covered when it began is there. Of what was written later each page is there, or lost, in any order:
  a lost one reads as zeros where the file is known to be longer, and is absent where it is not; the last page may be cut anywhere.
- A name that was given, changed or removed is there once its directory was synced. Until then the directory's changes may be lost,
  the later ones before the earlier ones. A file's own fsync does not keep its name, and its name does not keep its content: a rename
  may be on the disk whose data are not.

Not in the model: file systems that show old content of other files in pages that were never written, disks that lie about a sync, and
sectors that are torn within.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from os.path import commonprefix
from pathlib import Path, PurePosixPath
from random import Random
from typing import Final

PAGE_BYTES: Final = 4096
FEW_PAGES: Final = 3  # up to here every set of lost pages is tried


@dataclass(frozen=True, slots=True, kw_only=True)
class Op:
    """One call that changed a disk, or synced it; a path is relative to the disk's root. Writes append, as all of evalsvc's do."""

    what: str  # mkdir, create, write, truncate, rename, unlink, symlink, sync
    path: str
    data: bytes = b""  # write
    size: int = 0  # truncate
    to: str = ""  # rename: the new path; symlink: where it points
    covers: int = 0  # sync: operations that had returned when it began


@dataclass(slots=True)
class File:
    """The content of a file as it is for those who read it, and what of it is on the disk."""

    now: bytes = b""
    on_disk: bytes = b""
    ends: list[int] = field(default_factory=list)  # of its writes
    past: list[tuple[int, bytes]] = field(default_factory=list)  # content, with the number of the operation that made it

    def becomes(self, number: int, content: bytes) -> None:
        self.now = content
        self.ends.append(len(content))
        self.past.append((number, content))

    def sync(self, covers: int) -> None:
        self.on_disk = next((content for number, content in reversed(self.past) if number < covers), self.on_disk)

    def found(self, rng: Random) -> list[bytes]:
        """Each content that the next start may find."""
        kept = len(commonprefix([self.on_disk, self.now]))  # noqa: RUF071 - of bytes, not of paths
        sizes = {*self.ends, *range(0, len(self.now), PAGE_BYTES), len(self.now), *(rng.randrange(len(self.now) + 1) for _ in range(2))}
        contents = {self.on_disk}
        for size in sizes:
            if size >= kept:
                contents.update(_with_lost_pages(self.now[:size], kept, rng))
        return sorted(contents)


@dataclass(frozen=True, slots=True)
class Link:
    to: str


@dataclass(slots=True)
class Folder:
    names: "dict[str, Node]" = field(default_factory=dict)
    on_disk: "dict[str, Node]" = field(default_factory=dict)
    pending: "list[tuple[int, dict[str, Node | None]]]" = field(default_factory=list)  # changes since; None: the name goes

    def change(self, number: int, changes: "dict[str, Node | None]") -> None:
        self.pending.append((number, changes))
        _apply(self.names, changes)

    def sync(self, covers: int) -> None:
        while self.pending and self.pending[0][0] < covers:
            _apply(self.on_disk, self.pending.pop(0)[1])

    def found(self, kept: int) -> "dict[str, Node]":
        names = dict(self.on_disk)
        for _, changes in self.pending[:kept]:
            _apply(names, changes)
        return names


Node = File | Link | Folder
# What is on a disk: content of files by path, None for directories, and links.
Tree = Mapping[str, bytes | Link | None]


def _apply(names: "dict[str, Node]", changes: "dict[str, Node | None]") -> None:
    for name, node in changes.items():
        if node is None:
            names.pop(name, None)
        else:
            names[name] = node


def _with_lost_pages(content: bytes, kept: int, rng: Random) -> Iterator[bytes]:
    """`content` with pages behind its first `kept` bytes that read as zeros."""
    pages = [(max(at, kept), min(at + PAGE_BYTES, len(content))) for at in range(kept // PAGE_BYTES * PAGE_BYTES, len(content), PAGE_BYTES)]
    if len(pages) <= FEW_PAGES:
        lost: list[Sequence[tuple[int, int]]] = [chosen for count in range(len(pages) + 1) for chosen in combinations(pages, count)]
    else:
        lost = [(), pages, *((page,) for page in pages), *(rng.sample(pages, 2) for _ in range(3))]
    for chosen in lost:
        found = bytearray(content)
        for start, stop in chosen:
            found[start:stop] = bytes(stop - start)
        yield bytes(found)


class Disk:
    """The disk after the operations that were given to `do`."""

    def __init__(self) -> None:
        self.root = Folder()
        self.done = 0

    def do(self, op: Op) -> None:
        number, self.done = self.done, self.done + 1
        folder, name = self._place(op.path)
        node = self.node(op.path)
        match op.what, node:
            case "mkdir", None:
                folder.change(number, {name: Folder()})
            case "create", None:
                folder.change(number, {name: File()})
            case "symlink", None:
                folder.change(number, {name: Link(op.to)})
            case "unlink", _:
                folder.change(number, {name: None})
            case "rename", File() | Link():
                other, to = self._place(op.to)
                assert other is folder, "a rename across directories is not in the model"
                folder.change(number, {name: None, to: node})
            case "write", File():
                node.becomes(number, node.now + op.data)
            case "truncate", File() if len(node.now) != op.size:
                node.becomes(number, node.now[: op.size])
            case "sync", File() | Folder():
                node.sync(op.covers)
            case (("create" | "truncate"), _):
                pass
            case _:
                raise AssertionError(f"no such operation here: {op.what} {op.path}")

    def node(self, path: str) -> Node | None:
        found: Node | None = self.root
        for part in PurePosixPath(path).parts:
            found = found.names.get(part) if isinstance(found, Folder) else None
        return found

    def file(self, path: str) -> File:
        """The file at `path`; an empty one where there is none."""
        node = self.node(path)
        return node if isinstance(node, File) else File()

    def _place(self, path: str) -> tuple[Folder, str]:
        where = PurePosixPath(path)
        folder = self.node(str(where.parent))
        assert isinstance(folder, Folder), path
        return folder, where.name

    def now(self) -> Tree:
        """What those who read it see, with the power on."""
        return dict(_walk("", self.root, {}, {}))

    def crashes(self, rng: Random) -> Iterator[Tree]:
        """What the next start may find: everything lost that can be, nothing lost, and each choice that there is for one file or
        directory, with a choice by chance for all others.
        """
        files, folders = self._undecided()
        options = dict[int, Sequence[bytes | int]]()
        options.update({id(file): file.found(rng) for file in files})
        options.update({id(folder): range(len(folder.pending) + 1) for folder in folders})
        yield self._tree({})
        yield self._tree({id(file): file.now for file in files} | {id(folder): len(folder.pending) for folder in folders})
        for node, choices in options.items():
            for choice in choices:
                yield self._tree({other: rng.choice(theirs) for other, theirs in options.items()} | {node: choice})

    def _undecided(self) -> tuple[list[File], list[Folder]]:
        nodes = {id(node): node for node in _nodes(self.root)}.values()
        files = [node for node in nodes if isinstance(node, File) and node.now != node.on_disk]
        return files, [node for node in nodes if isinstance(node, Folder) and node.pending]

    def _tree(self, chosen: "Mapping[int, bytes | int]") -> Tree:
        files = {node: value for node, value in chosen.items() if isinstance(value, bytes)}
        folders = {node: value for node, value in chosen.items() if isinstance(value, int)}
        return dict(_walk("", self.root, files, folders, crashed=True))


def _walk(
    at: str, folder: Folder, files: Mapping[int, bytes], folders: Mapping[int, int], *, crashed: bool = False
) -> "Iterator[tuple[str, bytes | Link | None]]":
    names = folder.found(folders.get(id(folder), 0)) if crashed else folder.names
    for name, node in names.items():
        path = f"{at}{name}"
        match node:
            case Folder():
                yield path, None
                yield from _walk(f"{path}/", node, files, folders, crashed=crashed)
            case File():
                yield path, files.get(id(node), node.on_disk) if crashed else node.now
            case Link():
                yield path, node


def _nodes(folder: Folder) -> Iterator[Node]:
    """Everything that has a name in `folder`, or had one that may still be on the disk."""
    yield folder
    for node in [*folder.names.values(), *folder.on_disk.values(), *(node for _, changes in folder.pending for node in changes.values())]:
        if isinstance(node, Folder):
            yield from _nodes(node)
        elif node is not None:
            yield node


def lay_out(tree: Tree, root: Path) -> None:
    """Makes `tree` below `root`."""
    for path, content in tree.items():
        match content:
            case None:
                (root / path).mkdir()
            case Link():
                (root / path).symlink_to(content.to)
            case _:
                (root / path).write_bytes(content)


def tree_of(root: Path, path: str) -> Tree:
    """What is below `root`/`path`, as paths from `root` on."""
    found: dict[str, bytes | Link | None] = {}
    for each in sorted([root / path, *(root / path).rglob("*")]):
        name = str(each.relative_to(root))
        if each.is_symlink():
            found[name] = Link(str(each.readlink()))
        else:
            found[name] = each.read_bytes() if each.is_file() else None
    return found
