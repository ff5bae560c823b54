"""Questions to the engine, by the Docker SDK, and its errors in syncer's words."""

import contextlib
import re
import threading
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from typing import Any

import docker
import docker.errors
import docker.tls
import docker.utils
import urllib3.exceptions
from docker.constants import MINIMUM_DOCKER_API_VERSION

from syncer import ConfigError, PermanentError, SyncerError, TemporaryError
from syncer_docker.endpoint import DEFAULT_SOCKETS, find_endpoint, host_of, tls_of
from syncer_docker.events.parse import FILTERS
from syncer_docker.events.stream import EventStream
from syncer_docker.options import DockerOptions
from syncer_docker.transport import Refusal, inspect, make_client

#: Seconds without an event after which a stream is opened anew: the other side may be gone
#: without a word, over a network or behind a proxy's socket.
QUIET = 60.0
_TAG = re.compile(r"<[^>]*>")  # proxies answer in HTML
_RETRY_LATER = (408, 425, 429)


class Engine:
    """One Docker engine. The connection is made when the first question is asked.

    Every question ends within the configured timeout for each of its parts (connecting,
    waiting for an answer), and raises `TemporaryError` or `PermanentError` if it has none.
    """

    def __init__(self, options: DockerOptions) -> None:
        """Raises ConfigError for an endpoint or certificates that cannot be used."""
        self._options = options
        self._timeout = options.timeout.total_seconds()
        self._lock = threading.Lock()
        self._client: docker.APIClient | None = None
        self._found = options.endpoint
        try:
            self._tls = tls_of(options, self.endpoint)
            docker.utils.parse_host(self.endpoint, tls=self._tls is not None)
        except (ValueError, docker.errors.DockerException) as error:
            raise ConfigError(f"Docker engine at {self.endpoint}: {error}") from error

    @property
    def endpoint(self) -> str:
        """Where the engine is, or is expected."""
        return self._found or find_endpoint("")

    @property
    def remote_host(self) -> str:
        """The host in the endpoint; "" if the engine is on this machine."""
        return host_of(self.endpoint)

    def containers(self) -> list[dict[str, Any]]:
        """The list of all containers that are up (running, paused or restarting)."""
        with self._asking() as client:
            found = client.containers()
            if not isinstance(found, list) or not all(isinstance(it["Id"], str) for it in found):
                raise self._odd("the list of containers is none")
            return found

    def inspect(self, id: str) -> dict[str, Any] | None:
        """The full description of a container; None if the engine does not know it."""
        with self._asking() as client:
            try:
                found = inspect(client, id, self._timeout)
            except docker.errors.NotFound:
                return None
            if not isinstance(found, dict):
                raise self._odd("the description of a container is none")
            return found

    def name(self) -> str:
        """The engine's own name, which is its host's; its id if it has none."""
        with self._asking() as client:
            info = client.info()
            name = info.get("Name") or info.get("ID")
            if not name:
                raise PermanentError(f"the Docker engine at {self.endpoint} has no name: set scope")
            return str(name)

    def api_version(self) -> str:
        """The version of the API in which we talk: the newest that both sides know."""
        with self._asking() as client:
            return str(client.api_version)

    def now(self) -> int:
        """The engine's clock, in nanoseconds, rounded down to a second; 0 if it does not tell."""
        with self._asking() as client:
            answer = client.get(f"{client.base_url}/_ping", timeout=self._timeout)
            date = answer.headers.get("Date")
            return int(parsedate_to_datetime(date).timestamp()) * 1_000_000_000 if date else 0

    def events(self, since: str = "") -> EventStream:
        """The stream of events, from `since` (as the engine writes times) or from now."""
        with self._asking() as client:
            params = {"filters": docker.utils.convert_filters(FILTERS)}
            if since:
                params["since"] = since
            answer = client.get(
                f"{client.base_url}/v{client.api_version}/events",
                params=params,
                stream=True,
                timeout=self._timeout,
            )
            if answer.status_code == 200:
                return EventStream(answer, quiet=QUIET)
            with contextlib.closing(answer):
                _raise_refusal(answer)
                raise self._odd(f"status {answer.status_code} for events")

    def close(self) -> None:
        """Let go of the idle connections."""
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            client.close()

    # Connection and errors

    @contextlib.contextmanager
    def _asking(self) -> Iterator["docker.APIClient"]:
        try:
            yield self._connected()
        except SyncerError:
            raise
        except Refusal as error:
            raise self._refused(error.status, error.said) from error
        except docker.errors.APIError as error:
            said = str(error.explanation or error)
            raise self._refused(error.status_code or 0, said) from error
        except (
            docker.errors.DockerException,
            urllib3.exceptions.HTTPError,
            OSError,  # all of requests' own are these
            ValueError,  # these and the rest: a wrong server's answer
            LookupError,
            TypeError,
            AttributeError,
        ) as error:
            # The next engine here may be another version.
            self.close()
            raise self._failed(error) from error

    def _connected(self) -> "docker.APIClient":
        if (client := self._client) is not None:
            return client
        endpoint = self.endpoint
        client = make_client(endpoint, self._timeout, self._tls_config())
        # Once found it stays: the other socket may belong to another engine.
        self._found = endpoint
        with self._lock:
            self._client = client
        return client

    def _tls_config(self) -> Any:
        if self._tls is None:
            return False
        return docker.tls.TLSConfig(
            client_cert=self._tls.client,
            ca_cert=self._tls.ca or None,
            verify=self._tls.verify,
        )

    def _refused(self, status: int, said: str) -> SyncerError:
        """The engine, or a proxy before it, answered with an error."""
        said = " ".join(_TAG.sub(" ", said).split())[:300]
        text = f"Docker engine at {self.endpoint}: {said}"
        if status == 400 and "version" in text:
            self.close()  # it was exchanged for another while we talked to it
            return TemporaryError(text)
        if status >= 500 or status in _RETRY_LATER:
            return TemporaryError(text)
        return PermanentError(f"{text} (status {status})")

    def _failed(self, error: Exception) -> SyncerError:
        """There was no answer, or one that no engine gives."""
        causes = list(_causes(error))
        if any(isinstance(cause, docker.errors.InvalidVersion) for cause in causes):
            return PermanentError(
                f"the Docker engine at {self.endpoint} is too old:"
                f" API {MINIMUM_DOCKER_API_VERSION} (Engine 1.12) or later is needed"
            )
        if isinstance(error, (ValueError, LookupError, TypeError, AttributeError)):
            return self._odd("its answer makes no sense")
        for cause in causes:
            if isinstance(cause, FileNotFoundError) and not self.remote_host:
                where = self.endpoint if self._options.endpoint else " or ".join(DEFAULT_SOCKETS)
                return TemporaryError(f"no Docker engine at {where}: no such file")
            if isinstance(cause, PermissionError):
                return TemporaryError(
                    f"no right to use the Docker engine at {self.endpoint}: {cause.strerror}"
                )
        return TemporaryError(f"no answer from the Docker engine at {self.endpoint}: {causes[-1]}")

    def _odd(self, what: str) -> SyncerError:
        return TemporaryError(f"no Docker engine at {self.endpoint}: {what}")


def _raise_refusal(answer: Any) -> None:
    """Raise the SDK's error for an answer that is one."""
    try:
        answer.raise_for_status()
    except OSError as error:
        docker.errors.create_api_error_from_http_exception(error)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and what led to it; libraries hide errors of the system below their own."""
    seen: BaseException | None = error
    while seen is not None:
        yield seen
        reason = getattr(seen, "reason", None)
        hidden = [arg for arg in (reason, *seen.args) if isinstance(arg, BaseException)]
        seen = hidden[0] if hidden else seen.__cause__ or seen.__context__
