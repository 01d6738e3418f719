"""Who may use the page: names, what each may see, and passwords, of which only hashes are kept.

python -m demos.login people.txt ada --role staff        # asks for the password; then: demos.web --login people.txt
"""

from __future__ import annotations

import argparse
import getpass
import hashlib
import hmac
import os
import secrets
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from agent.errors import InputError
from demos import cli

ROLES = ("customer", "staff")
LEAST_PASSWORD = 8
MAX_NAME, MAX_PASSWORD = 100, 1_000
_COST = {"n": 2**14, "r": 8, "p": 1, "dklen": 32}
"""Of scrypt: about 50 ms and 16 MB a try (RFC 7914)."""


@dataclass(frozen=True)
class Account:
    """Somebody who may log in: a name, "customer" or "staff", and the salted hash of the password."""

    name: str
    role: str
    salt: bytes
    digest: bytes


class Accounts:
    """All who may log in.

    Args:
        known: by name.
    """

    def __init__(self, known: Mapping[str, Account]) -> None:
        self._known = known

    @classmethod
    def load(cls, path: Path) -> Accounts:
        """Read the file that `python -m demos.login` writes.

        Raises:
            InputError: it cannot be read, or a line is none of its.
        """
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"--login {str(path)!r} cannot be read: {type(error).__name__}") from None
        found = [_account(path, number, line) for number, line in enumerate(lines, 1) if line.strip()]
        if not found:
            raise InputError(f"--login {str(path)!r} names nobody; python -m demos.login {path} NAME adds somebody")
        return cls({one.name: one for one in found})

    def check(self, name: str, password: str) -> Account | None:
        """Who this is; None where name or password is wrong. Takes as long either way."""
        account = self._known.get(name)
        salt, digest = (account.salt, account.digest) if account else (bytes(16), bytes(32))
        right = hmac.compare_digest(_hash(password[:MAX_PASSWORD], salt), digest)
        return account if right else None


def line(name: str, role: str, password: str) -> str:
    """A line of the file.

    Raises:
        InputError: the name, role or password cannot be used.
    """
    if not name or len(name) > MAX_NAME or not name.isprintable() or any(c.isspace() for c in name):
        raise InputError(f"a name has 1 to {MAX_NAME} characters and no spaces, got {name!r}")
    if role not in ROLES:
        raise InputError(f"a role is one of {', '.join(ROLES)}, got {role!r}")
    if not LEAST_PASSWORD <= len(password) <= MAX_PASSWORD:
        raise InputError(f"a password has {LEAST_PASSWORD} to {MAX_PASSWORD} characters, this one {len(password)}")
    salt = secrets.token_bytes(16)
    return f"{name} {role} {salt.hex()} {_hash(password, salt).hex()}"


def _hash(password: str, salt: bytes) -> bytes:
    return hashlib.scrypt(password.encode("utf-8", "surrogatepass"), salt=salt, **_COST)


def _account(path: Path, number: int, text: str) -> Account:
    try:
        name, role, salt, digest = text.split()
        account = Account(name, role, bytes.fromhex(salt), bytes.fromhex(digest))
    except ValueError:
        account = Account("", "", b"", b"")
    if account.role not in ROLES or len(account.digest) != _COST["dklen"]:
        raise InputError(f"{path}:{number} is no line of this file; python -m demos.login writes them")
    return account


def main(argv: Sequence[str] | None = None) -> int:
    """Adds somebody to the file, or gives them a new password."""
    parser = argparse.ArgumentParser(prog="python -m demos.login", description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("file", type=Path)
    parser.add_argument("name")
    parser.add_argument("--role", choices=ROLES, default="customer", help="staff also sees the desk and all calls")
    options = parser.parse_args(argv)
    password = getpass.getpass() if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")
    made = line(options.name, options.role, password)
    kept = options.file.read_text(encoding="utf-8").splitlines() if options.file.exists() else []
    kept = [one for one in kept if one.split(" ", 1)[0] != options.name]
    _write(options.file, "".join(f"{one}\n" for one in (*kept, made)))
    return cli.OK


def _write(path: Path, text: str) -> None:
    """The file whole or not at all, for its owner's eyes."""
    part = path.with_name(f"{path.name}.part")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as out:
        out.write(text)
    part.replace(path)


if __name__ == "__main__":
    sys.exit(cli.run(main))
