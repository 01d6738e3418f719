"""The product graph: a pack's catalogue as RDF, asked through SPARQL.

The vocabulary is schema.org's (ProductGroup, hasVariant, gtin13, ...), with a few terms of our own for what it
lacks, so that a shop that already publishes schema.org data can use its own file. The store is pyoxigraph
(https://pyoxigraph.readthedocs.io), in memory; the file is the truth, and an edit of it replaces the whole.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from agent.edited import Edited
from agent.errors import InputError, PackError

if TYPE_CHECKING:
    from pyoxigraph import Store


_PREFIXES = """
PREFIX schema: <https://schema.org/>
PREFIX hl: <https://harborlane.example/terms#>
"""
_PRODUCTS = """
SELECT ?product ?name ?price ?category ?description ?material ?care ?fit ?warranty WHERE {
  ?product a schema:ProductGroup ; schema:name ?name ; schema:price ?price .
  OPTIONAL { ?product schema:category/schema:name ?category }
  OPTIONAL { ?product schema:description ?description }
  OPTIONAL { ?product schema:material ?material }
  OPTIONAL { ?product hl:care ?care }
  OPTIONAL { ?product hl:fit ?fit }
  OPTIONAL { ?product hl:warrantyMonths ?warranty }
} ORDER BY ?product
"""
_ALIASES = "SELECT ?product ?alias WHERE { ?product schema:alternateName ?alias } ORDER BY ?product ?alias"
_RELATED = "SELECT ?product ?other WHERE { ?product schema:isRelatedTo ?other } ORDER BY ?product ?other"
_VARIANTS = """
SELECT ?product ?sku ?price ?barcode ?size ?color WHERE {
  ?product schema:hasVariant ?variant . ?variant schema:sku ?sku ; schema:price ?price .
  OPTIONAL { ?variant schema:gtin13 ?barcode }
  OPTIONAL { ?variant schema:size ?size }
  OPTIONAL { ?variant schema:color ?color }
} ORDER BY ?barcode ?sku
"""


@dataclass(frozen=True)
class Variant:
    """One thing on the shelf: a product in one size and colour.

    Attributes:
        sku: the shop's own number.
        options: "size" and "color", those that apply.
        price: in the pack's currency.
        barcode: EAN-13, or empty.
    """

    sku: str
    options: Mapping[str, str]
    price: Decimal
    barcode: str = ""


@dataclass(frozen=True)
class Product:
    """One product with its variants.

    Attributes:
        id: its name in links, such as "slim-jeans".
        name, aliases: what the shop calls it, and what people say, in alphabetical order.
        category, description, material, care, fit: words for the customer; empty where not known.
        price: of the plain variant, in the pack's currency.
        variants: in the order of their barcodes.
        warranty_months: how long the maker stands by it.
        related: ids of what goes with it.
    """

    id: str
    name: str
    aliases: tuple[str, ...]
    category: str
    description: str
    price: Decimal
    variants: tuple[Variant, ...]
    material: str = ""
    care: str = ""
    fit: str = ""
    warranty_months: int = 0
    related: tuple[str, ...] = ()

    def values(self, option: str) -> tuple[str, ...]:
        """What there is of an option ("size", "color"), in the order of the variants."""
        return tuple(dict.fromkeys(v.options[option] for v in self.variants if option in v.options))

    def variant(self, **options: str) -> Variant | None:
        """The first variant that has all these options."""
        fits = (v for v in self.variants if all(v.options.get(key) == value for key, value in options.items()))
        return next(fits, None)


@dataclass
class _Draft:
    row: dict[str, str]
    aliases: list[str] = field(default_factory=list)
    related: list[str] = field(default_factory=list)
    variants: list[Variant] = field(default_factory=list)

    def product(self, id_: str) -> Product:
        row = self.row
        words = {key: row.get(key, "") for key in ("category", "description", "material", "care", "fit")}
        return Product(
            id=id_,
            name=row["name"],
            aliases=tuple(self.aliases),
            price=_price(row["price"]),
            variants=tuple(self.variants),
            warranty_months=int(row.get("warranty", "0")),
            related=tuple(self.related),
            **words,
        )


@dataclass(frozen=True)
class _Edition:
    """The graph as it stood at one moment; never altered, only replaced as a whole."""

    store: Store
    products: Mapping[str, Product]
    by_code: Mapping[str, tuple[Product, Variant]]


class ProductGraph:
    """A catalogue read from a Turtle file; an edit of the file is served within a second.

    An edit that cannot be read is logged, and the edition before it goes on being served.

    Raises:
        PackError: the file is missing, is no Turtle, or holds no products; names the file and line.
    """

    def __init__(self, path: str | PathLike[str], *, clock: Callable[[], float] = time.monotonic) -> None:
        file = Path(path)
        self._edited = Edited("the product graph", lambda: [file], lambda _: _load(file), clock)

    def reload(self) -> bool:
        """Look for an edit now; see `agent.edited.Edited.reload`."""
        return self._edited.reload()

    def products(self) -> tuple[Product, ...]:
        """All products, in the order of their ids."""
        return tuple(self._edited.now().products.values())

    def product(self, product_id: str) -> Product | None:
        """One product by its id."""
        return self._edited.now().products.get(product_id)

    def find(self, code: str) -> tuple[Product, Variant] | None:
        """The product and variant with this SKU or barcode."""
        return self._edited.now().by_code.get(code) if code else None

    def related(self, product_id: str) -> tuple[Product, ...]:
        """What goes with a product."""
        products = self._edited.now().products
        product = products.get(product_id)
        return tuple(products[other] for other in product.related) if product else ()

    def query(self, sparql: str, **values: str) -> list[dict[str, str]]:
        """Answer a SPARQL SELECT; `schema:` and `hl:` are declared.

        Args:
            sparql: the query.
            values: string literals bound to the selected variables of these names, never put into the query's text.

        Returns:
            One dict per solution: variable -> text; unbound variables are left out. Of an IRI, the last part.

        Raises:
            InputError: it is no valid SELECT.
        """
        return _query(self._edited.now().store, sparql, **values)


def updated(path: Path, sparql: str) -> bytes:
    """The Turtle of a graph after a SPARQL update; the prefixes that the file declares are known to it.

    Raises:
        InputError: it is no valid update.
        PackError: the graph cannot be read, or could not be served after it.
    """
    from pyoxigraph import DefaultGraph, RdfFormat

    store, prefixes = _read_turtle(path)
    declared = "".join(f"PREFIX {name}: <{iri}>\n" for name, iri in prefixes.items())
    try:
        store.update(declared + sparql)
    except (SyntaxError, ValueError, RuntimeError) as error:
        raise InputError(f"not a valid SPARQL update: {error}") from error
    _edition(path, store)
    turtle = store.dump(format=RdfFormat.TURTLE, from_graph=DefaultGraph(), prefixes=prefixes)
    return bytes(turtle or b"")


def _load(path: Path) -> _Edition:
    return _edition(path, _read_turtle(path)[0])


def _read_turtle(path: Path) -> tuple[Store, dict[str, str]]:
    """The triples of a file, and the prefixes it declares."""
    from pyoxigraph import RdfFormat, Store, parse

    store = Store()
    try:
        with path.open("rb") as file:
            triples = parse(input=file, format=RdfFormat.TURTLE)
            store.extend(triples)
        return store, triples.prefixes
    except FileNotFoundError as error:
        raise PackError(f"{path}: missing; a product graph is a Turtle file") from error
    except SyntaxError as error:
        raise PackError(f"{path}:{error.lineno}: not valid Turtle: {error.msg}") from error
    except OSError as error:
        raise PackError(f"{path}: cannot be read: {error}") from error


def _edition(path: Path, store: Store) -> _Edition:
    try:
        products = _read(store)
    except (InvalidOperation, ValueError) as error:
        raise PackError(f"{path}: a price or warranty is not a number: {error}") from error
    if not products:
        raise PackError(f"{path}: holds no schema:ProductGroup with a schema:name and a schema:price")
    by_code = {code: (p, v) for p in products.values() for v in p.variants for code in (v.sku, v.barcode)}
    return _Edition(store, products, by_code)


def _query(store: Store, sparql: str, **values: str) -> list[dict[str, str]]:
    from pyoxigraph import BlankNode, Literal, NamedNode, QuerySolutions, Triple, Variable

    terms: dict[Variable, NamedNode | BlankNode | Literal | Triple] = {
        Variable(name): Literal(value) for name, value in values.items()
    }
    try:
        answer = store.query(_PREFIXES + sparql, substitutions=terms)
    except (SyntaxError, ValueError, RuntimeError) as error:
        raise InputError(f"not a valid SPARQL query: {error}") from error
    if not isinstance(answer, QuerySolutions):
        raise InputError("only SELECT queries are answered")
    names = [variable.value for variable in answer.variables]
    rows = ({name: solution[name] for name in names} for solution in answer)
    return [{name: _text(term) for name, term in row.items() if term is not None} for row in rows]


def _read(store: Store) -> dict[str, Product]:
    drafts = {row["product"]: _Draft(row) for row in _query(store, _PRODUCTS)}
    for row in _query(store, _ALIASES):
        if row["product"] in drafts:
            drafts[row["product"]].aliases.append(row["alias"])
    for row in _query(store, _RELATED):
        if row["product"] in drafts and row["other"] in drafts:
            drafts[row["product"]].related.append(row["other"])
    for row in _query(store, _VARIANTS):
        if row["product"] in drafts:
            options: dict[str, str] = {key: row[key] for key in ("size", "color") if key in row}
            variant = Variant(row["sku"], options, _price(row["price"]), row.get("barcode", ""))
            drafts[row["product"]].variants.append(variant)
    return {id_: draft.product(id_) for id_, draft in drafts.items()}


def _price(text: str) -> Decimal:
    return Decimal(text).quantize(Decimal("0.01"))


def _text(term: object) -> str:
    from pyoxigraph import NamedNode

    value = str(getattr(term, "value", term))
    return value.rstrip("/#").replace("#", "/").rsplit("/", 1)[-1] if isinstance(term, NamedNode) else value
