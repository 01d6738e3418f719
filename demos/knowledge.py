"""What a pack knows, edited while calls run: help articles and the product graph. Served within a second, no restart.

python -m demos.knowledge list [--domain D]
python -m demos.knowledge put FILE.md [--domain D]          an article under the file's name, new or in place of one
python -m demos.knowledge remove ARTICLE [--domain D]
python -m demos.knowledge update "SPARQL" [--domain D]      of the product graph (its comments are not kept)

What cannot be served is refused, and what is there stays.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from agent.articles import Articles, read_article
from agent.domain import Pack
from agent.errors import InputError
from agent.products import updated
from demos import cli


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m demos.knowledge", description=(__doc__ or "").splitlines()[0])
    add = parser.add_argument
    add("what", choices=("list", "put", "remove", "update"))
    add("subject", nargs="?", default="", help="a file, an article's name, or a SPARQL update")
    add("--domain", default="retail", help="pack: a name or a folder")
    options = parser.parse_args(arguments)
    root = Pack.load(options.domain, with_examples=False).root
    articles, graph = root / "knowledge", root / "knowledge" / "products.ttl"
    if options.what == "list":
        print("\n".join(f"{article.id}: {article.title}" for article in Articles(articles).articles()))
    elif options.what == "put":
        put(Path(options.subject), articles)
    elif options.what == "remove":
        remove(options.subject, articles)
    else:
        replace(graph, updated(graph, options.subject))
    return cli.OK


def put(file: Path, folder: Path) -> None:
    """Serve this file's article.

    Raises:
        InputError: the file is no `*.md`.
        PackError: it is no article; names the line.
    """
    if file.suffix != ".md" or not file.is_file():
        raise InputError(f"{str(file)!r} is no file *.md: an article is a Markdown file whose name is its id")
    read_article(file)
    replace(folder / file.name, file.read_bytes())


def remove(name: str, folder: Path) -> None:
    """Serve this article no more.

    Raises:
        InputError: there is none of this name.
    """
    known = {path.stem: path for path in folder.glob("*.md")}
    if name not in known:
        raise InputError(f"no article {name!r}; list names them")
    known[name].unlink()


def replace(path: Path, content: bytes) -> None:
    """Write a file whole or not at all: who reads it meanwhile reads the old one."""
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", suffix=".part", delete=False) as part:
        part.write(content)
    os.chmod(part.name, path.stat().st_mode if path.exists() else 0o644)
    os.replace(part.name, path)


if __name__ == "__main__":
    sys.exit(cli.run(main))
