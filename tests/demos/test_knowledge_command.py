import shutil
from pathlib import Path

import pytest

from agent.articles import Articles
from agent.domain import Pack
from agent.products import ProductGraph
from demos import cli, knowledge

PRICE = """
DELETE { product:classic-tee schema:price ?old } INSERT { product:classic-tee schema:price 24.50 }
WHERE { product:classic-tee schema:price ?old }
"""


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    root = Pack.load("retail", with_examples=False).root
    shutil.copytree(root / "knowledge", tmp_path / "pack" / "knowledge")
    for name in ("pack.toml", "flows.toml", "replies.toml"):
        shutil.copy(root / name, tmp_path / "pack")
    return tmp_path / "pack"


def run(*words: str) -> int:
    return cli.run(lambda: knowledge.main(words))


def test_an_article_is_put_replaced_and_removed_while_it_is_served(pack: Path, tmp_path: Path) -> None:
    served, page = Articles(pack / "knowledge"), tmp_path / "pet-beds.md"
    for text in ("Pets sleep for free.", "Pets sleep for two dollars."):
        page.write_text(f"---\ntitle: Beds for pets\nkeywords: hamster\n---\n{text}\n", encoding="utf-8")
        assert run("put", str(page), "--domain", str(pack)) == cli.OK
        assert served.reload()
        assert served.search("do you have pet beds for a hamster")[0].text == text
    assert run("remove", "pet-beds", "--domain", str(pack)) == cli.OK
    assert served.reload()
    assert "pet-beds" not in {article.id for article in served.articles()}
    assert not [path for path in (pack / "knowledge").iterdir() if path.suffix not in (".md", ".ttl")]


def test_a_price_is_changed_while_it_is_served(pack: Path) -> None:
    graph = ProductGraph(pack / "knowledge" / "products.ttl")
    before = {product.id: product for product in graph.products()}
    assert run("update", PRICE, "--domain", str(pack)) == cli.OK
    assert graph.reload()
    after = {product.id: product for product in graph.products()}
    assert str(after["classic-tee"].price) == "24.50"
    assert {k: v for k, v in after.items() if k != "classic-tee"} == {
        k: v for k, v in before.items() if k != "classic-tee"
    }


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("put", "nowhere.md"), "is no file"),
        (("put", "{broken}"), "head between two lines"),
        (("remove", "../../pack"), "no article"),
        (("update", "DELETE EVERYTHING"), "not a valid SPARQL update"),
        (("update", "DELETE WHERE { ?s ?p ?o }"), "holds no schema:ProductGroup"),
    ],
)
def test_what_cannot_be_served_is_refused(
    pack: Path, tmp_path: Path, words: tuple[str, str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "broken.md").write_text("just text", encoding="utf-8")
    before = {path: path.read_bytes() for path in pack.rglob("*") if path.is_file()}
    subject = words[1].replace("{broken}", str(tmp_path / "broken.md"))
    assert run(words[0], subject, "--domain", str(pack)) == cli.BAD_INPUT
    assert said in capsys.readouterr().err
    assert {path: path.read_bytes() for path in pack.rglob("*") if path.is_file()} == before
