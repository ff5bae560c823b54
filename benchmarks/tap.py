"""A TCP proxy that notes when which HTTP request went through it; it reads nothing else.

    python -m benchmarks.tap HOST PORT FILE

Says its port, and writes a line for each request: its time in seconds, method and path.
"""

import asyncio
import re
import sys
import time

REQUEST = re.compile(rb"(GET|PUT|POST|DELETE) (/[^ ?]*)[^ ]* HTTP/1\.1\r\n")


async def main(host: str, port: int, path: str) -> None:
    """Forward until ended."""
    with open(path, "w", encoding="utf-8", buffering=1) as notes:

        async def forward(
            reader: asyncio.StreamReader, writer: asyncio.StreamWriter, up: bool
        ) -> None:
            try:
                while data := await reader.read(65536):
                    now = time.time()
                    for found in REQUEST.finditer(data) if up else ():
                        method, what = found.groups()
                        notes.write(f"{now:.4f} {method.decode()} {what.decode('latin-1')}\n")
                    writer.write(data)
                    await writer.drain()
            except ConnectionError:
                pass
            finally:
                writer.close()

        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                far_reader, far_writer = await asyncio.open_connection(host, port)
            except OSError:
                writer.close()
                return
            await asyncio.gather(
                forward(reader, far_writer, True), forward(far_reader, writer, False)
            )

        server = await asyncio.start_server(connected, "127.0.0.1", 0)
        sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), sys.argv[3]))
