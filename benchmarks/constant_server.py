"""A FastAPI POST endpoint that returns a constant, on the settings of `localizer serve`."""

from __future__ import annotations

import argparse
import socket

import uvicorn
from fastapi import FastAPI

app = FastAPI(docs_url=None, redoc_url=None)


@app.post("/v1/locate")
async def constant() -> dict[str, float]:
    """Return a constant."""
    return {"x_m": 1.0, "y_m": 2.0}


class Server(uvicorn.Server):
    """Says where it listens, as the service does."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and print where."""
        await super().startup(sockets)
        if sockets:
            print(f"listening on http://127.0.0.1:{sockets[0].getsockname()[1]}", flush=True)


def main() -> None:
    """Serve until told to end."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--http", default="auto")
    parser.add_argument("--loop", default="auto")
    options = parser.parse_args()
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    listener.listen(128)
    config = uvicorn.Config(
        app,
        http=options.http,
        loop=options.loop,
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
    )
    Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main()
