"""The floor: argparse, http.client and json alone, for the same task as amani and with none of its promises.

It offers as many commands as amani had when the bars were set, reads the key from the same place, sends the same
requests and prints the same document. Nothing is checked, journaled, masked or explained.
"""

import argparse
import http.client
import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

GROUPS = {
    "wallet": ("balance", "list", "show", "add"),
    "invoice": ("create", "check", "wait", "list"),
    "cheque": ("create", "claim", "list", "void"),
    "faucet": ("claim", "status", "configure", "stop"),
    "pin": ("set", "change", "remove", "status"),
    "contact": ("add", "list", "show", "remove"),
    "history": ("list", "show", "sync", "export"),
    "batch": ("plan", "run", "status", "results"),
    "sandbox": ("start", "stop", "status", "reset"),
}
ALONE = ("pay", "transfer", "reconcile", "doctor")


def main() -> None:
    """Run one command."""
    said = parser().parse_args()
    url = urlsplit(os.environ["LNBITS_BASE_URL"])
    connection = http.client.HTTPSConnection if url.scheme == "https" else http.client.HTTPConnection
    line = connection(url.hostname or "", url.port, timeout=30)
    headers = {"X-Api-Key": key(), "Content-Type": "application/json"}

    def call(method: str, path: str, body: object = None) -> dict[str, Any]:
        line.request(method, path, json.dumps(body) if body is not None else None, headers)
        answer = line.getresponse()
        content = answer.read()
        if answer.status not in (200, 201):
            sys.exit(f"{answer.status}: {content!r}")
        found: dict[str, Any] = json.loads(content)
        return found

    if said.group == "pay":
        call("GET", "/api/v1/wallet")
        show("payment", call("POST", "/api/v1/payments", {"out": True, "bolt11": said.what}))
    elif said.command == "sync":
        sync(call)
    elif said.command == "balance":
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        held = call("GET", "/api/v1/wallet")["balance"]
        about = {"wallet": "env", "provider": "lnbits", "as_of": now, "cached": False, "balance_msat": held}
        show("balance", {**about, "sandbox": False, "live": True})
    elif said.command == "create":
        body = {"out": False, "unit": "sat", "amount": int(said.what), "memo": "", "expiry": 3600}
        show("invoice", call("POST", "/api/v1/payments", body))
    elif said.command == "check":
        show("invoice", call("GET", f"/api/v1/payments/{said.what}"))


def sync(call: Callable[[str, str], dict[str, Any]]) -> None:
    """Read every page and put each record into the journal at FLOOR_JOURNAL, by one INSERT."""
    import sqlite3
    from datetime import datetime

    journal = sqlite3.connect(os.environ["FLOOR_JOURNAL"], isolation_level=None)
    journal.execute("PRAGMA synchronous=FULL")
    names = "id wallet_id wallet remote_wallet_id provider direction kind status amount_msat fee_msat payment_hash"
    names = f"{names} bolt11 preimage memo created_at settled_at"
    insert = f"INSERT OR IGNORE INTO payment ({names.replace(' ', ',')}) VALUES ({','.join('?' * len(names.split()))})"
    number, before = 0, ""
    while True:
        page = call("GET", f"/api/v1/payments/paginated?limit=1000&offset=0&sortby=time&direction=desc{before}")
        records = page["data"]
        journal.execute("BEGIN IMMEDIATE")
        for each in records:
            number += 1
            way = "in" if each["amount"] > 0 else "out"
            whose = (f"pay_{number:018d}", 1, "bench", each["wallet_id"], "lnbits", way, "pay", "settled")
            what = (abs(each["amount"]), abs(each["fee"]), each["payment_hash"], each["bolt11"], each["preimage"])
            journal.execute(insert, (*whose, *what, each["memo"], each["created_at"], each["updated_at"]))
        journal.execute("COMMIT")
        if len(records) == page["total"] or not records:
            break
        before = f"&time[le]={int(datetime.fromisoformat(records[-1]['time']).timestamp())}"


def parser() -> argparse.ArgumentParser:
    """The command line, built whole, as argparse does."""
    made = argparse.ArgumentParser(prog="floor")
    groups = made.add_subparsers(dest="group", required=True)
    for name, commands in GROUPS.items():
        group = groups.add_parser(name, help=name).add_subparsers(dest="command", required=True)
        for command in commands:
            options(group.add_parser(command, help=command))
    for name in ALONE:
        alone = groups.add_parser(name, help=name)
        options(alone)
        alone.set_defaults(command=None)
    return made


def options(command: argparse.ArgumentParser) -> None:
    """What every command takes."""
    command.add_argument("what", nargs="?")
    command.add_argument("--json", action="store_true")
    command.add_argument("--yes", action="store_true")
    command.add_argument("--wallet")


def key() -> str:
    """The key: from the environment, a file, or the Secret Service."""
    if "FLOOR_KEY_FILE" in os.environ:
        with open(os.environ["FLOOR_KEY_FILE"]) as file:
            return file.read().strip()
    if "FLOOR_KEYRING" in os.environ:
        import secretstorage

        bus = secretstorage.dbus_init()
        collection = secretstorage.get_default_collection(bus)
        wanted = {"service": "amani", "username": os.environ["FLOOR_KEYRING"]}
        return str(next(collection.search_items(wanted)).get_secret(), "utf-8")
    return os.environ["LNBITS_API_KEY"]


def show(name: str, data: dict[str, object]) -> None:
    """The one document."""
    print(json.dumps({"schema": f"amani.{name}/1", "ok": True, "data": data, "warnings": []}))


if __name__ == "__main__":
    main()
