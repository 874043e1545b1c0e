"""Where a download goes: an existing file keeps what it is, and no partial file is ever seen."""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest

from trudy._hidden import Hidden
from trudy.errors import InvalidArgumentError
from trudy.resources._destination import destination

pytestmark = pytest.mark.anyio

AUDIO = b"audio" * 100_000


async def _save(to: object, *pieces: bytes) -> None:
    async with destination(to).opened() as write:
        for piece in pieces or (AUDIO,):
            await write(Hidden(piece))


async def _break_off(to: object) -> None:
    async with destination(to).opened() as write:
        await write(Hidden(AUDIO))
        raise ZeroDivisionError


def _names(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir())


@pytest.fixture
def mask() -> Iterator[None]:
    before = os.umask(0o027)
    yield
    os.umask(before)


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


async def test_a_new_file_has_the_mode_that_the_umask_gives(tmp_path: Path, mask: None) -> None:
    await _save(tmp_path / "call.mp3")
    assert (tmp_path / "call.mp3").read_bytes() == AUDIO
    assert _mode(tmp_path / "call.mp3") == 0o640
    assert _names(tmp_path) == ["call.mp3"]


@pytest.mark.parametrize("mode", [0o640, 0o600, 0o664, 0o755, 0o606])
async def test_the_mode_of_a_file_that_is_there_is_kept(tmp_path: Path, mask: None, mode: int) -> None:
    path = tmp_path / "call.mp3"
    path.write_bytes(b"old")
    path.chmod(mode)
    async with destination(path).opened() as write:
        await write(Hidden(AUDIO))
        assert path.read_bytes() == b"old"
        assert all(_mode(each) & ~mode == 0 for each in tmp_path.iterdir())  # at no time is it open to more
    assert path.read_bytes() == AUDIO
    assert _mode(path) == mode


async def test_the_owner_of_a_file_that_is_there_is_kept(tmp_path: Path) -> None:
    if os.getuid() != 0:
        pytest.skip("needs the right to give files away")
    path = tmp_path / "call.mp3"
    path.touch()
    os.chown(path, 1234, 5678)
    await _save(path)
    assert (path.stat().st_uid, path.stat().st_gid) == (1234, 5678)


async def test_what_breaks_off_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    for old in (None, b"old"):
        path = tmp_path / f"call-{old!r}.mp3"
        if old is not None:
            path.write_bytes(old)
        with pytest.raises(ZeroDivisionError):
            await _break_off(path)
        assert (path.read_bytes() if path.exists() else None) == old
    assert _names(tmp_path) == ["call-b'old'.mp3"]


async def test_links_are_followed(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "there.mp3").symlink_to("real/call.mp3")  # which is not there yet
    (tmp_path / "far.mp3").symlink_to(tmp_path / "there.mp3")
    (tmp_path / "folder").symlink_to("real")
    for path in (tmp_path / "there.mp3", tmp_path / "far.mp3", tmp_path / "folder" / "call.mp3"):
        await _save(path, path.name.encode())
        assert (tmp_path / "real" / "call.mp3").read_bytes() == path.name.encode()
        assert not (tmp_path / "real" / "call.mp3").is_symlink()
    assert (tmp_path / "there.mp3").is_symlink()
    assert (tmp_path / "far.mp3").is_symlink()
    assert _names(tmp_path / "real") == ["call.mp3"]


async def test_a_file_with_hard_links_keeps_them(tmp_path: Path) -> None:
    path, other = tmp_path / "call.mp3", tmp_path / "other.mp3"
    path.write_bytes(b"old" * 1_000_000)
    path.chmod(0o640)
    other.hardlink_to(path)
    (tmp_path / "link").symlink_to("other.mp3")
    await _save(tmp_path / "link")
    assert path.read_bytes() == other.read_bytes() == AUDIO
    assert path.samefile(other)
    assert _mode(path) == 0o640
    assert destination(other).keeps_what_was_written


async def test_a_file_in_a_folder_that_takes_no_new_ones_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "call.mp3"
    path.write_bytes(b"old")
    tmp_path.chmod(0o555)
    if os.getuid() == 0:
        may = os.access
        monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != tmp_path and may(path, mode))
    before = path.stat().st_ino
    await _save(path)
    tmp_path.chmod(0o755)
    assert path.read_bytes() == AUDIO
    assert path.stat().st_ino == before


@pytest.mark.parametrize("name", ["x" * 255, "x" * 251 + ".mp3", "\u00fc" * 127, " ", "-", ".part"])
async def test_any_name_that_a_file_can_have_works(tmp_path: Path, name: str) -> None:
    await _save(tmp_path / name)
    assert _names(tmp_path) == [name]


async def test_a_pipe_is_written_as_its_reader_takes_it(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe, 0o640)
    (tmp_path / "link").symlink_to(pipe)
    for path in (pipe, tmp_path / "link"):
        read: list[bytes] = []
        # The loop waits for the pipe, and goes on meanwhile: the reader starts from it.
        async with anyio.create_task_group() as group:
            group.start_soon(_save, path, AUDIO, b"end")
            await anyio.wait_all_tasks_blocked()
            thread = threading.Thread(target=lambda read=read: read.append(pipe.read_bytes()))
            thread.start()
        thread.join(60)
        assert read == [AUDIO + b"end"]
        assert stat.S_ISFIFO(pipe.stat().st_mode)
        assert _mode(pipe) == 0o640
    assert _names(tmp_path) == ["link", "pipe"]


async def test_a_pipe_that_nobody_reads_does_not_outlast_the_deadline(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with anyio.move_on_after(0.05) as scope:
        await _save(tmp_path / "pipe")
    assert scope.cancelled_caught


async def test_a_device_stays_a_device(tmp_path: Path) -> None:
    (tmp_path / "null").symlink_to(os.devnull)
    for path in (Path(os.devnull), tmp_path / "null"):
        await _save(path)
    assert stat.S_ISCHR(Path(os.devnull).stat().st_mode)
    with pytest.raises(OSError, match="No space left"):
        await _save("/dev/full")


@pytest.mark.parametrize("name", ["/dev/fd/{}", "/proc/self/fd/{}"])
async def test_a_name_for_what_is_open_writes_there(tmp_path: Path, name: str) -> None:
    """As for `/dev/stdout`: a new file in its place would leave the one that is open empty."""
    with (tmp_path / "out").open("w+b") as out:
        (tmp_path / "link").symlink_to(name.format(out.fileno()))
        for path in (Path(name.format(out.fileno())), tmp_path / "link"):
            await _save(path)
            assert os.fstat(out.fileno()).st_size == len(AUDIO)
            out.truncate(0)


async def test_a_file_in_shared_memory_is_one_like_others() -> None:
    if not Path("/dev/shm").is_dir():
        pytest.skip("none here")
    path = Path(f"/dev/shm/trudy-test-{os.getpid()}")
    with pytest.raises(ZeroDivisionError):
        await _break_off(path)
    assert not path.exists()


async def test_a_file_that_may_not_be_written_is_not_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "call.mp3"
    path.write_bytes(b"old")
    path.chmod(0o444)
    if os.getuid() == 0:
        monkeypatch.setattr(os, "access", lambda of, mode: Path(of) != path)
    with pytest.raises(PermissionError) as caught:
        await _save(path)
    assert caught.value.filename == str(path)
    assert path.read_bytes() == b"old"


async def test_what_can_be_no_file_is_refused_before_anything_is_sent(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "folder")
    (tmp_path / "lost").symlink_to(tmp_path / "none" / "call.mp3")
    with (tmp_path / "shut").open("wb") as shut, (tmp_path / "shut").open("rb") as unwritable:
        shut.close()
        for file in (shut, unwritable):
            with pytest.raises(InvalidArgumentError, match="open for writing bytes"):
                destination(file)
    paths = ("", ".", "/", "a\0b", tmp_path, tmp_path / "link", tmp_path / "lost", tmp_path / "none" / "x")
    for to in (*paths, 7, None, b"x"):
        with pytest.raises(InvalidArgumentError, match="to must be") as caught:
            destination(to)
        assert caught.value.argument == "to"
