"""`dropkey serve`: puts store, workers, queue, drop folders and HTTP together, and takes them apart again in order."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import threading
import time
import webbrowser
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from types import FrameType

import structlog

from service.api import create_app
from service.api.schemas import Check
from service.api.security import is_loopback
from service.discovery import claim_instance, lacks_room, read_discovery, remove_discovery, write_discovery
from service.doctor import check_pictures, look
from service.drop_folder.folders import DropFolders
from service.errors import DropKeyError, Misconfigured
from service.executor import Executor, LocalExecutor
from service.installation import farm_packages, fitting
from service.launchers import write_launchers
from service.listening import answering, listen
from service.logs import start_logging
from service.paths import Paths
from service.private import close_home, load_token
from service.queue import JobQueue
from service.settings import Settings, swallowed_drop_folders
from service.store import JobStore

_TICK_SECONDS = 0.2  # Windows delivers Ctrl-C to Python only between waits
_FIRST_URL_SECONDS = 10.0
_ROOM_SECONDS = 2.0  # between two looks whether a full home disk has room
_LEAST_HOME_BYTES = 16 * 2**20
_NAMED = 5  # jobs named in one message

log = structlog.get_logger("server")


def serve(
    settings: Settings,
    *,
    stop_with_stdin: bool = False,
    say: Callable[[str], None] = print,
    open_page: bool = False,
) -> int:
    """Run the service until Ctrl-C, SIGTERM or Ctrl-Break, or the end of stdin where asked; return the exit code.

    ``say`` gets the URL once requests are answered, and a link to the page, which ``open_page`` opens in a browser. A
    second service of the same home folder says the first one's URL and returns 0. Raises Misconfigured when it cannot
    listen, must not on that address, or reads pictures by libraries with known holes.
    """
    check_address(settings)
    check_decoders(settings)
    check_folders(settings)
    with ExitStack() as stack:
        stop = threading.Event()
        stack.enter_context(_stop_signals(stop))
        if not wait_for_room(settings, stop, say):
            return 0
        lock = claim_instance(settings)
        if lock is None:
            return _point_to_other(settings, say)
        stack.callback(lock.release)
        mended: list[str] = []
        close_home(settings, mended.append)
        token = load_token(settings, mended.append)
        stack.callback(start_logging(settings, token))
        for told in mended:
            log.warning(told)
            say(fitting(told))
        try:
            _run(settings, token, stop, stack, stop_with_stdin, say, open_page)
        except DropKeyError as error:
            log.error("service cannot run", problem=str(error))
            raise
    return 0


def somebody_sits_here() -> bool:
    """Tell whether a person started this at a machine with a display: from a terminal, and not through SSH."""
    display = sys.platform in ("win32", "darwin") or any(os.environ.get(n) for n in ("DISPLAY", "WAYLAND_DISPLAY"))
    return sys.stdout.isatty() and display and "SSH_CONNECTION" not in os.environ


def check_address(settings: Settings) -> None:
    """Raise Misconfigured for an address beyond this machine without a proxy that keeps strangers out."""
    if not is_loopback(settings.host) and not settings.behind_proxy:
        raise Misconfigured(
            f"DropKey does not listen on {settings.host}: its HTTP is not encrypted, and others could read the token.",
            fix="Keep host 127.0.0.1, or put a proxy with TLS in front and set behind_proxy.",
        )


def check_folders(settings: Settings) -> None:
    """Raise Misconfigured where a drop folder lies in the output folder: none of its shots would ever be taken."""
    for root, output in swallowed_drop_folders(settings).items():
        raise Misconfigured(
            f"The drop folder {root} lies in the output folder {output}, where everything is taken for results: no "
            "shot would be taken from it.",
            fix="Give each a folder of its own (output_root and drop_folders in dropkey.toml, --output and --drop). "
            "The output folder may lie in a drop folder, but not the other way round.",
        )


def check_decoders(settings: Settings) -> None:
    """Raise Misconfigured where `dropkey doctor` sees a problem with what decodes the files of strangers."""
    for finding in look(check_pictures, settings):
        if finding.verdict == "problem":
            message = f"DropKey does not read files with {finding.message}."
            raise Misconfigured(message, fix=finding.fix or "Run `dropkey doctor`.")


@contextmanager
def running_queue(settings: Settings) -> Iterator[tuple[JobStore, JobQueue]]:
    """Open the store, and run a queue over the workers that the settings name until left."""
    store = JobStore(settings.database)
    try:
        queue = JobQueue(settings, store, executor_for(settings))
        queue.start()
        try:
            yield store, queue
        finally:
            queue.stop()
    finally:
        store.close()


def executor_for(settings: Settings) -> Executor:
    """Return who keys: the farm where one is named, else worker processes on this machine. Raises Misconfigured."""
    if settings.farm.scheduler is None:
        return LocalExecutor(settings)
    try:
        from service.executor.dask.executor import DaskExecutor
    except ImportError as error:
        raise Misconfigured(
            f"The farm {settings.farm.scheduler} needs {error.name}, which is not installed.",
            fix=f"{farm_packages().rstrip('.')}. Or take [farm] out of dropkey.toml.",
        ) from None
    return DaskExecutor(settings)


def _run(
    settings: Settings,
    token: str,
    stop: threading.Event,
    stack: ExitStack,
    stop_with_stdin: bool,
    say: Callable[[str], None],
    open_page: bool,
) -> None:
    listener = listen(settings)
    stack.callback(listener.close)
    paths = Paths(settings)
    # Only the default folder is made, as with drop folders; before the first result it would seem to be away.
    if settings.output.is_relative_to(settings.home):
        settings.output.mkdir(parents=True, exist_ok=True)
    store, queue = stack.enter_context(running_queue(settings))
    folders = DropFolders(settings, paths, queue)
    app = create_app(
        queue,
        store,
        settings,
        token,
        paths=paths,
        folders=folders,
        checks=lambda: checks(settings, store, queue, folders),
        stop=stop.set,
    )
    stack.callback(app.state.reader.close)
    stack.enter_context(answering(app, listener, ending=app.state.events.close))
    stack.callback(folders.stop)
    folders.start()
    url = _url(settings.host, listener.getsockname()[1])
    with suppress(OSError, DropKeyError):  # a convenience, which must not keep the service from running
        write_launchers(settings)
    write_discovery(settings, url)
    stack.callback(remove_discovery, settings)
    log.info("service started", url=url, pid=os.getpid())
    # Behind a proxy only its owner knows the address that browsers use.
    link = f"{'https://<your proxy>' if settings.behind_proxy else url}/?t={app.state.sessions.new_link()}"
    say(f"DropKey listens on {url}")
    say(f"Its page (this link works once): {link}")
    if open_page and not settings.behind_proxy:
        webbrowser.open(link)
    if stop_with_stdin:
        threading.Thread(target=_stop_at_end_of_stdin, args=(stop,), name="stdin", daemon=True).start()
    while not stop.wait(_TICK_SECONDS):
        pass
    log.info("service stops")


def checks(settings: Settings, store: JobStore, queue: JobQueue, folders: DropFolders) -> dict[str, Check]:
    """Return what `/health/ready` tells: store, workers, each drop folder, room on the output disk."""
    found: dict[str, Check] = {}
    try:
        unread = "".join(f"; {why}" for why in list(store.unreadable.values())[:_NAMED])
        found["store"] = Check(ok=True, detail=f"{sum(store.counts().values())} jobs{unread}")
    except DropKeyError as error:
        found["store"] = Check(ok=False, detail=str(error))
    found["queue"] = Check(ok=not queue.problem, detail=queue.problem or "goes on")
    workers = queue.workers()
    able = [worker for worker in workers if worker.state in ("ready", "busy")]
    troubles = [worker.problem.message for worker in workers if worker.problem is not None]
    found["workers"] = Check(
        ok=bool(able),
        detail=", ".join(f"{worker.name}: {worker.state} {worker.device_name or ''}".rstrip() for worker in workers)
        + "".join(f"; {trouble}" for trouble in troubles if not able),
    )
    problems = folders.problems()
    for root, online in folders.online().items():
        failed = problems.get(Path(root))
        detail = "there" if online else "away"
        told = f"{detail}; no shots are taken from it, which is tried again: {failed}" if failed else detail
        found[f"drop folder {root}"] = Check(ok=online and not failed, detail=told)
    found["output disk"] = _room(settings.output, settings.minimum_free_gib)
    found["home disk"] = _room(settings.home, _LEAST_HOME_BYTES / 2**30)
    return found


def _room(named: Path, least_gib: float) -> Check:
    folder = named
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    try:
        free = shutil.disk_usage(folder).free / 2**30
    except OSError as error:
        return Check(ok=False, detail=f"{named}: {error.strerror}")
    return Check(ok=free >= least_gib, detail=f"{free:.1f} GiB free in {named}")


def wait_for_room(settings: Settings, stop: threading.Event, say: Callable[[str], None]) -> bool:
    """Wait until the home folder takes files, if its disk or quota is full; False when ``stop`` was set before.

    Nothing of the service can be kept until then. Raises Misconfigured when no file can be made there for another
    reason.
    """
    told = False
    while (full := lacks_room(settings)) is not None:
        if not told:
            say(f"DropKey cannot start yet: {full} It goes on by itself.")
            told = True
        if stop.wait(_ROOM_SECONDS):
            return False
    return True


@contextmanager
def _stop_signals(stop: threading.Event) -> Iterator[None]:
    """Let Ctrl-C, SIGTERM and Ctrl-Break set ``stop``; a second one means it, and ends the process at once."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def handle(number: int, _frame: FrameType | None) -> None:
        if stop.is_set():
            os._exit(128 + number)
        stop.set()

    numbers = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGBREAK") if hasattr(signal, name)]
    before = {number: signal.signal(number, handle) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _stop_at_end_of_stdin(stop: threading.Event) -> None:
    # Not through sys.stdin: a thread that waits in it would hold its lock while the interpreter ends.
    try:
        while os.read(0, 4096):
            pass
    except OSError:
        pass
    stop.set()


def _point_to_other(settings: Settings, say: Callable[[str], None]) -> int:
    deadline = time.monotonic() + _FIRST_URL_SECONDS
    while time.monotonic() < deadline:
        found = read_discovery(settings)
        if found is not None:
            say(f"DropKey listens already on {found.url}")
            return 0
        time.sleep(_TICK_SECONDS)
    say("Another DropKey is starting or stopping on this home folder.")
    return 0


def _url(host: str, port: int) -> str:
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, host)
    return f"http://[{shown}]:{port}" if ":" in shown and not shown.startswith("[") else f"http://{shown}:{port}"
