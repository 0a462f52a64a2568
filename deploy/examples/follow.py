#!/usr/bin/env python3
"""Follows the changes of a nudged server and misses none, across restarts of either side.

Needs Python 3.9 and nothing else.

  NUDGED_URL              the server                      [http://127.0.0.1:8787]
  NUDGED_API_TOKEN        its API token, or
  NUDGED_API_TOKEN_FILE   a file that holds it            [api-token]
  NUDGED_CURSOR_FILE      where the cursor is kept; one file for each bot   [cursor]

The guarantee is at-least-once: the cursor is written after a change was handled, so a bot that is
killed between the two handles that change again. Handle by `seq` where twice would hurt.
Without a cursor file it begins with the oldest change. To begin with the next one instead, put
`next` of GET /v1/changes?after=head into the file first.
"""

import http.client
import json
import os
import random
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path


def handle(change: dict) -> None:
    """Your handling. The payload holds words of strangers (names of branches and checks).

    Raise to get the same change again a little later.
    """
    print(change["seq"], change["type"], json.dumps(change["payload"]), flush=True)


URL = os.environ.get("NUDGED_URL", "http://127.0.0.1:8787").rstrip("/")
CURSOR_FILE = Path(os.environ.get("NUDGED_CURSOR_FILE", "cursor"))


def api_token() -> str:
    token = os.environ.get("NUDGED_API_TOKEN")
    if not token:
        token = Path(os.environ.get("NUDGED_API_TOKEN_FILE", "api-token")).read_text()
    return token.strip()


def say(text: str) -> None:
    print(f"follow.py: {text}", file=sys.stderr, flush=True)


def saved_cursor() -> str:
    try:
        return CURSOR_FILE.read_text().strip() or "0"
    except FileNotFoundError:
        return "0"


def save(cursor: str) -> None:
    """Never leaves half a cursor behind."""
    new = CURSOR_FILE.with_name(CURSOR_FILE.name + ".new")
    with open(new, "w") as file:
        file.write(cursor + "\n")
        file.flush()
        os.fsync(file.fileno())
    os.replace(new, CURSOR_FILE)


class Gone(Exception):
    """The cursor points to where nothing is any more; `args[0]` is the answer."""


class Passing(Exception):
    """Worth another try."""


class NoRedirects(urllib.request.HTTPRedirectHandler):
    """The token is for this server only."""

    def redirect_request(self, *args, **kwargs):
        return None


OPENER = urllib.request.build_opener(NoRedirects)


def read_page(token: str, cursor: str) -> dict:
    query = urllib.parse.urlencode({"after": cursor, "wait": 30, "limit": 100})
    request = urllib.request.Request(
        f"{URL}/v1/changes?{query}", headers={"Authorization": f"Bearer {token}"}
    )
    try:
        with OPENER.open(request, timeout=60) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        try:
            body = json.load(error)
            message = body["error"]["message"]
        except (OSError, ValueError, KeyError, TypeError, http.client.HTTPException):
            body, message = {}, "no reason given"
        if error.code == 410 and "floor" in body:
            raise Gone(body) from None
        if error.code in (408, 429) or error.code >= 500:
            raise Passing(f"{URL} answered {error.code}") from None
        sys.exit(f"follow.py: {URL} answered {error.code}: {ascii(message)}")
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise Passing(f"no answer from {URL}: {error}") from None


def follow() -> None:
    token, cursor, pause = api_token(), saved_cursor(), 1.0
    while True:
        try:
            page = read_page(token, cursor)
            for change in page["changes"]:
                handle(change)
                cursor = f"{page['epoch']}.{change['seq']}"
                save(cursor)
            if page["next"] != cursor:
                cursor = page["next"]
                save(cursor)
            pause = 1.0
        except Gone as gone:
            # Pruned, or the database was restored from a copy: what is gone cannot be followed.
            (body,) = gone.args
            cursor = str(body["floor"])
            message = ascii(body["error"]["message"])
            say(f"cannot go on: {message}. Beginning after {cursor}, with the oldest there is")
            save(cursor)
        except Exception as error:  # noqa: BLE001: `handle` may raise anything
            # Longer each time, half of it by chance, so that many bots do not come at once.
            say(f"{type(error).__name__}: {error}; again in at most {pause:.0f} s")
            time.sleep(pause * random.uniform(0.5, 1.0))
            pause = min(pause * 2, 30.0)


if __name__ == "__main__":
    try:
        follow()
    except KeyboardInterrupt:
        pass
