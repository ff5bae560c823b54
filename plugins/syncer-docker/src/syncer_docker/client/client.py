"""Requests to an engine through the Docker SDK; its errors become syncer's."""

import contextlib
import re
import shlex
import threading
from collections.abc import Iterator, Mapping, Sequence
from email.utils import parsedate_to_datetime
from typing import Any

import docker
import docker.errors
import docker.utils
import urllib3.exceptions
from docker.constants import MINIMUM_DOCKER_API_VERSION

from syncer import (
    ConfigError,
    PermanentError,
    SyncerError,
    TemporaryError,
    shown_address,
)
from syncer_docker.client.endpoint import (
    DEFAULT_SOCKETS,
    find_endpoint,
    group_of,
    host_of,
    is_mounted,
    socket_in,
    tls_of,
)
from syncer_docker.client.ssh import check_ssh, ssh_argv
from syncer_docker.client.transport import Refusal, error_text, inspect, make_client
from syncer_docker.events.parse import FILTERS, SECOND
from syncer_docker.events.stream import EventStream
from syncer_docker.options import DockerOptions

#: Seconds without an event after which a stream is reopened: over a network, or behind a proxy, the
#: other end may have gone without a word.
QUIET = 60.0
_TAG = re.compile(r"<[^<>]*>")  # proxies answer in HTML
_RETRY_LATER = (408, 425, 429)


class DockerClient:
    """One Docker engine. It connects on the first request.

    Each request ends within the timeout, with its whole answer. A failed one raises
    `TemporaryError` or `PermanentError`.
    """

    def __init__(self, options: DockerOptions) -> None:
        """Raise `ConfigError` for an unusable endpoint or certificate."""
        self._options = options
        self._timeout = options.timeout.total_seconds()
        self._lock = threading.Lock()
        self._connection: docker.APIClient | None = None
        self._used_endpoint = options.endpoint
        try:
            tls = tls_of(options, self.endpoint)
            self._tls = tls.files() if tls else None
        except (ValueError, ConfigError) as error:
            raise ConfigError(f"Docker engine at {self.address}: {error}") from error
        try:
            if self.endpoint.startswith("ssh:"):
                check_ssh(self.endpoint)
            else:
                docker.utils.parse_host(self.endpoint, tls=tls is not None)
        except (ValueError, docker.errors.DockerException) as error:
            raise ConfigError(f"not the address of a Docker engine: {self.address}") from error

    @property
    def endpoint(self) -> str:
        """The engine's endpoint: configured, connected to, or the default."""
        return self._used_endpoint or find_endpoint("")

    @property
    def address(self) -> str:
        """The endpoint for people, without a user."""
        return shown_address(self.endpoint)

    @property
    def options(self) -> DockerOptions:
        """The options that it was made with."""
        return self._options

    @property
    def remote_host(self) -> str:
        """The host in the endpoint; "" if the engine is on this machine."""
        return host_of(self.endpoint)

    def advice(self) -> str:
        """Return what to do if there is no answer."""
        if self.endpoint.startswith("ssh:"):
            return f"run this by hand, as the user of syncer: {shlex.join(ssh_argv(self.endpoint))}"
        path = socket_in(self.endpoint)
        if path and is_mounted(path):
            return (
                f"if the engine runs, {path} is mounted here and shows a socket that has been"
                f" replaced: restart this container, or mount the folder of the socket"
            )
        return "check that the engine is running and that its address is correct"

    def containers(self) -> list[dict[str, Any]]:
        """List the containers that are up (running, paused or restarting)."""
        with self._api() as api:
            return self._checked(api.containers(), "Id", "containers")

    def inspect(self, id: str) -> dict[str, Any] | None:
        """Return the full description of a container; `None` if the engine does not know it."""
        with self._api() as api:
            try:
                found = inspect(api, id, self._timeout)
            except docker.errors.NotFound:
                return None
            if not isinstance(found, dict):
                raise self._invalid("invalid container description")
            return found

    def network(self, id: str) -> dict[str, Any] | None:
        """Return the description of a network; `None` if the engine does not know it."""
        with self._api() as api:
            try:
                found = api.inspect_network(id)
            except docker.errors.NotFound:
                return None
            if not isinstance(found, dict):
                raise self._invalid("invalid network description")
            return found

    def name(self) -> str:
        """Return the engine's name, which is its host's; its id if it has none."""
        with self._api() as api:
            info = api.info()
            name = info.get("Name") or info.get("ID")
            if not name:
                raise PermanentError(f"the Docker engine at {self.address} has no name: set scope")
            return str(name)

    def identity(self, known: str = "") -> str:
        """Return the engine's id; "" if it has none that lasts, or may not be asked.

        Podman makes up another id for each answer. `known` is an id that has lasted before.
        """
        try:
            with self._api() as api:
                found = str(api.info().get("ID") or "")
                return found if found in (known, str(api.info().get("ID") or "")) else ""
        except PermanentError:  # a proxy forbids it; with the option scope nothing else asks for it
            return ""

    def api_version(self) -> str:
        """Return the API version in use: the newest that engine and SDK share."""
        with self._api() as api:
            return str(api.api_version)

    def now(self) -> int:
        """Return the engine's clock in nanoseconds, cut to seconds; 0 if it sends no date."""
        with self._api() as api:
            answer = api.get(f"{api.base_url}/_ping", timeout=self._timeout)
            date = answer.headers.get("Date")
            return int(parsedate_to_datetime(date).timestamp()) * SECOND if date else 0

    def events(
        self, since: str = "", filters: Mapping[str, Sequence[str]] = FILTERS
    ) -> EventStream:
        """Open the event stream, from `since` (in the engine's format) or from now."""
        with self._api() as api:
            params = {"filters": docker.utils.convert_filters(filters)}
            if since:
                params["since"] = since
            answer = api.get(
                f"{api.base_url}/v{api.api_version}/events",
                params=params,
                stream=True,
                timeout=self._timeout,
            )
            if answer.status_code == 200:
                return EventStream(answer, quiet=QUIET)
            with contextlib.closing(answer):
                if answer.status_code < 400:
                    raise self._invalid(f"status {answer.status_code} for events")
                raise Refusal(answer.status_code, error_text(answer.content))

    def close(self) -> None:
        """Close idle connections."""
        with self._lock:
            connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    @contextlib.contextmanager
    def _api(self) -> Iterator["docker.APIClient"]:
        """Connect if necessary, and translate errors."""
        try:
            yield self._connect()
        except SyncerError:
            raise
        except Refusal as error:
            raise self._refused(error.status, error.text) from error
        except docker.errors.APIError as error:
            text = str(error.explanation or error)
            raise self._refused(error.status_code or 0, text) from error
        except (
            docker.errors.DockerException,
            urllib3.exceptions.HTTPError,
            OSError,  # includes all errors of `requests`
            ValueError,  # this and the rest: the answer of another kind of server
            LookupError,
            TypeError,
            AttributeError,
        ) as error:
            # The next engine here may have another version.
            self.close()
            raise self._failed(error) from error

    def _connect(self) -> "docker.APIClient":
        if (connection := self._connection) is not None:
            return connection
        endpoint = self.endpoint
        connection = make_client(endpoint, self._timeout, self._tls)
        # Keep to the socket that answered: the other one may belong to another engine.
        self._used_endpoint = endpoint
        with self._lock:
            self._connection = connection
        return connection

    def _checked(self, found: Any, key: str, what: str) -> list[dict[str, Any]]:
        """Return a listing whose entries all have an id."""
        if not isinstance(found, list) or not all(isinstance(it[key], str) for it in found):
            raise self._invalid(f"invalid list of {what}")
        return found

    def _refused(self, status: int, text: str) -> SyncerError:
        """Return the error for an error answer of the engine, or of a proxy in front of it."""
        text = " ".join(_TAG.sub(" ", text).split())[:300]
        text = f"Docker engine at {self.address}: {text}"
        if status == 400 and "version" in text:
            self.close()  # the engine was replaced while we were connected
            return TemporaryError(text)
        if status >= 500 or status in _RETRY_LATER:
            return TemporaryError(text)
        return PermanentError(f"{text} (status {status})")

    def _failed(self, error: Exception) -> SyncerError:
        """Return the error for a missing answer, or one that no Docker engine sends."""
        causes = list(_causes(error))
        if any(isinstance(cause, docker.errors.InvalidVersion) for cause in causes):
            return PermanentError(
                f"the Docker engine at {self.address} is too old:"
                f" API {MINIMUM_DOCKER_API_VERSION} (Engine 1.12) or later is required"
            )
        if isinstance(error, (ValueError, LookupError, TypeError, AttributeError)):
            return self._invalid("its answer is not valid")
        for cause in causes:
            if isinstance(cause, FileNotFoundError) and not self.remote_host:
                where = self.address if self._options.endpoint else " or ".join(DEFAULT_SOCKETS)
                return TemporaryError(f"no Docker engine at {where}: no such file")
            if isinstance(cause, PermissionError):
                return self._not_permitted(cause)
        return TemporaryError(f"no answer from the Docker engine at {self.address}: {causes[-1]}")

    def _not_permitted(self, cause: PermissionError) -> SyncerError:
        path = socket_in(self.address)
        why = (cause.strerror or "permission denied").lower()
        advice = f"; add the user to the group {group_of(path)}" if path else ""
        return TemporaryError(f"cannot read {path or self.address}: {why}{advice}")

    def _invalid(self, text: str) -> SyncerError:
        return TemporaryError(f"no Docker engine at {self.address}: {text}")


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield the error and its causes; libraries wrap errors of the system in their own."""
    seen: BaseException | None = error
    while seen is not None:
        yield seen
        reason = getattr(seen, "reason", None)
        hidden = [arg for arg in (reason, *seen.args) if isinstance(arg, BaseException)]
        seen = hidden[0] if hidden else seen.__cause__ or seen.__context__
