"""A TCP proxy that counts what a server sends: bytes, and messages of its protocol."""

import asyncio
import contextlib
import re
import threading
from collections import defaultdict
from collections.abc import Callable

Told = Callable[[], None]
_ANSWER = re.compile(rb"HTTP/1\.[01] \d\d\d ")


class Answers:
    """Counts answers of HTTP/1 by their first lines."""

    def __init__(self, told: Told) -> None:
        self._told, self._last = told, b""

    def feed(self, data: bytes) -> None:
        """Take what comes next."""
        text = self._last + data
        for _ in _ANSWER.finditer(text):
            self._told()
        self._last = text[-12:]  # one byte less than what is looked for


class Frames:
    """Counts frames: a head of so many bytes, from which the length of the rest follows."""

    def __init__(
        self,
        told: Told,
        head: int,
        length: Callable[[bytes], int],
        inside: Callable[[bytes, bytes], None] = lambda head, piece: None,
    ) -> None:
        self._told, self._size, self._length, self._inside = told, head, length, inside
        self._head, self._left = b"", 0

    def feed(self, data: bytes) -> None:
        """Take what comes next."""
        while data:
            if not self._left:
                missing = self._size - len(self._head)
                self._head, data = self._head + data[:missing], data[missing:]
                if len(self._head) == self._size:
                    self._told()
                    self._left = self._length(self._head)
            else:
                piece, data = data[: self._left], data[self._left :]
                self._left -= len(piece)
                self._inside(self._head, piece)
            if len(self._head) == self._size and not self._left:
                self._head = b""


class Calls:
    """Counts gRPC's messages, which are in the data frames of HTTP/2."""

    def __init__(self, told: Told) -> None:
        self._streams: defaultdict[bytes, Frames] = defaultdict(
            lambda: Frames(told, 5, lambda head: int.from_bytes(head[1:], "big"))
        )
        length = lambda head: int.from_bytes(head[:3], "big")  # noqa: E731
        self.feed = Frames(lambda: None, 9, length, self._piece).feed

    def _piece(self, head: bytes, piece: bytes) -> None:
        if head[3] == 0:
            self._streams[head[5:]].feed(piece)


def packets(told: Told) -> Frames:
    """Count ZooKeeper's packets."""
    return Frames(told, 4, lambda head: int.from_bytes(head, "big"))


PROTOCOLS: dict[str, Callable[[Told], Answers | Frames | Calls]] = {
    "http": Answers,
    "grpc": Calls,
    "zookeeper": packets,
}


class Meter:
    """The proxy, in a thread. `bytes` and `messages` are those of all answers so far."""

    def __init__(self, target: str, protocol: str) -> None:
        self._target, self._protocol = target.rsplit(":", 1), PROTOCOLS[protocol]
        self.bytes = self.messages = 0
        self._listening = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._serve(),))
        self._thread.start()
        self._listening.wait()

    def close(self) -> None:
        """End it."""
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join()
        self._loop.close()

    async def _serve(self) -> None:
        self._over = asyncio.Event()
        server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        self.address = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
        self._listening.set()
        await self._over.wait()
        server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(*self._target)
        count = self._protocol(self._message)
        with contextlib.suppress(asyncio.CancelledError):  # the meter is closed
            await asyncio.gather(
                self._forward(reader, far_writer, lambda data: None),
                self._forward(far_reader, writer, lambda data: self._sent(data, count.feed)),
            )

    def _message(self) -> None:
        self.messages += 1

    def _sent(self, data: bytes, feed: Callable[[bytes], None]) -> None:
        self.bytes += len(data)
        feed(data)

    async def _forward(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        note: Callable[[bytes], None],
    ) -> None:
        try:
            while data := await reader.read(65536):
                note(data)
                writer.write(data)
                await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()
