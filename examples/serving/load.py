"""Sends rows to examples/serving/app.py at a steady rate, and prints the latencies.

    python examples/serving/load.py examples/penguins.csv --rate 1000 --seconds 10

Requests are due at fixed times, whatever the server does. One that waits for a busy connection counts from when it was
due, so that a slow server does not slow its own measurement down.
"""

import argparse
import asyncio
import csv
import json
import math
import time
from collections.abc import Iterator
from pathlib import Path


def requests_of(path: Path) -> list[bytes]:
    """The rows of a csv as HTTP requests: numbers as numbers, gaps as null."""
    made = []
    for row in csv.DictReader(path.open(newline="")):
        body = json.dumps({name: value_of(text) for name, text in row.items()}).encode()
        head = f"POST /predict HTTP/1.1\r\nHost: load\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
        made.append(f"{head}\r\n\r\n".encode() + body)
    return made


def value_of(text: str) -> float | str | None:
    try:
        return None if text in ("", "NA") else float(text)
    except ValueError:
        return text


async def send(port: int, work: Iterator[tuple[float, bytes]], latencies: list[float]) -> None:
    """Send the requests of one connection, each when it is due."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for due, request in work:
        if (wait := due - time.perf_counter()) > 0:
            await asyncio.sleep(wait)
            due = time.perf_counter()  # the event loop's clock ticks in milliseconds
        writer.write(request)
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        await reader.readexactly(int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0]))
        if not head.startswith(b"http/1.1 200"):
            raise SystemExit(f"expected status 200; received {head.decode()}")
        latencies.append(time.perf_counter() - due)
    writer.close()


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("rows", type=Path)
    parser.add_argument("--rate", type=float, default=1000, help="requests a second")
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--port", type=int, default=8000)
    given = parser.parse_args()

    requests, count = requests_of(given.rows), int(given.rate * given.seconds)
    start, latencies = time.perf_counter() + 0.5, list[float]()
    work = [(start + i / given.rate, requests[i % len(requests)]) for i in range(count)]
    shares = [iter(work[i :: given.connections]) for i in range(given.connections)]
    await asyncio.gather(*[send(given.port, share, latencies) for share in shares])

    seconds = time.perf_counter() - start
    latencies.sort()
    shown = [f"p{p} {latencies[math.ceil(len(latencies) * p / 100) - 1] * 1e3:.2f} ms" for p in (50, 90, 99, 100)]
    print(f"{count} requests in {seconds:.2f} s, {count / seconds:.0f} a second: {', '.join(shown)}")


if __name__ == "__main__":
    asyncio.run(main())
