"""Another program with the same API key: its requests come in among the first of a burst.

Says ``ready`` on stdout once it is connected. Each request goes after so many answers to ours (``--every``); with
``--together`` all go after the first of these. One thread and one connection a request, and nothing that takes long:
on a busy machine they would come too late to disturb.
"""

from __future__ import annotations

import argparse
import sys
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection

REQUESTS = 30


def get(connection: HTTPConnection, path: str, headers: dict[str, str]) -> None:
    """One request; what comes back does not matter here."""
    connection.request("GET", path, headers=headers)
    connection.getresponse().read()


def main(options: argparse.Namespace) -> None:
    """Connect, wait for the burst, spend the requests."""
    connections = [HTTPConnection("127.0.0.1", options.port, timeout=60) for _ in range(REQUESTS)]

    def spend(number: int) -> None:
        ours = options.every * (1 if options.together else 1 + number)
        get(connections[number], f"/noted?ours={ours}", {})
        get(connections[number], options.path, {"X-Secret-Key": options.key})

    for connection in connections:
        get(connection, "/noted", {})
    with ThreadPoolExecutor(REQUESTS) as threads:
        done = threads.map(spend, range(REQUESTS))
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        list(done)
    for connection in connections:
        connection.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Another program with the same API key.")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--path", required=True)
    parser.add_argument("--key", required=True)
    parser.add_argument("--every", type=int, required=True)
    parser.add_argument("--together", action="store_true")
    main(parser.parse_args())
