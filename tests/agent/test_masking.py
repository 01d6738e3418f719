import pytest

from agent.domain import EntityType, Pack
from agent.masking import Mask, Masker, counted, doubtful, masked
from agent.private import private_kind
from agent.types import Entity
from modalities.types import Transcript, Word


@pytest.fixture(scope="module")
def masker() -> Masker:
    return Masker(Pack.load("retail", with_examples=False).entities, published=False)


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("my order number is k four eight two nine one one", "my order number is [id]"),
        ("Hi, this is John Smith calling about order K123455", "Hi, this is [name] calling about order [id]"),
        ("I live at 12 Elm Street, Portland 97201, can you come?", "I live at [address], can you come?"),
        ("you can reach me on five oh three five five five oh one two three", "you can reach me on [phone]"),
        ("you can reach me on (415) 946-5075 after five", "you can reach me on ([phone] after five"),
        ("my email is jane dot doe at gmail dot com thanks", "my email is [email] thanks"),
        ("write to jane.doe@example.com today", "write to [email] today"),
        ("the card ends in •••• ••••, my other card is 1234", "the card ends in [card], my other card is [card]"),
        ("my account is 14856072", "my account is [account]"),
        ("deliver it to seventeen hundred maple avenue please", "deliver it to [address] please"),
        ("the new one is 2127486205 now", "the new one is [id] now"),
    ],
)
def test_what_is_personal_is_masked(masker: Masker, text: str, left: str) -> None:
    assert masked(text, masker.masks(text)) == left


@pytest.mark.parametrize(
    "text",
    [
        "I want to return two blue jackets in size ten",
        "I'm waiting for three weeks now and it's ridiculous",
        "this is ridiculous",
        "how long does delivery take",
        "they are half a size too small",
        "The best of all is the Spring Street sale",
    ],
)
def test_what_is_not_personal_stays(masker: Masker, text: str) -> None:
    assert masker.masks(text) == ()


def test_money_and_days_stay(masker: Masker) -> None:
    text = "I paid 12999 dollars on 2026-05-04"
    entities = [
        Entity("money", "12999 dollars", "12999.00 USD", 7, 20, "pattern", 0.9),
        Entity("date", "2026-05-04", "2026-05-04", 24, 34, "pattern", 0.9),
    ]
    assert masker.masks(text, entities) == ()
    assert masked(text, masker.masks(text)) == "I paid [id] dollars on [id]"


@pytest.mark.parametrize(
    ("question", "text", "left"),
    [
        ("May I have your name, please?", "Brigitte Okonkwo", "[name]"),
        ("What's your ZIP code?", "nine seven two oh one", "[address]"),
        ("What is your e-mail address?", "forget about birch thomas example dot com", "[email]"),
        ("Anything else?", "no that is all", "no that is all"),
        ("May I have your name, please?", "yes", "yes"),
    ],
)
def test_answers_are_masked_by_what_was_asked(masker: Masker, question: str, text: str, left: str) -> None:
    assert masked(text, masker.masks(text, (), question)) == left


def heard(words: str) -> Transcript:
    """A transcript of words; those with a star were heard unsurely."""
    found = [
        Word(word.rstrip("*"), i * 0.3, i * 0.3 + 0.25, 0.1 if word.endswith("*") else 0.9)
        for i, word in enumerate(words.split())
    ]
    return Transcript(" ".join(word.text for word in found), tuple(found), 0.7)


@pytest.mark.parametrize(
    ("words", "left"),
    [
        ("hi this is s* men* are* crease* calling about my order", "hi this is [name] calling about my order"),
        ("i'm* see um* are* ever* nasty* i'm calling about it", "[name] i'm calling about it"),
        ("call back at two want* to nine two three five two please", "call back at [phone] please"),
        ("my jacket* is torn* and* i want it back", "my jacket is torn and i want it back"),
    ],
)
def test_what_was_heard_badly_beside_something_personal_goes_with_it(masker: Masker, words: str, left: str) -> None:
    transcript = heard(words)
    masks = masker.masks(transcript.text, (), "", doubtful(transcript))
    assert masked(transcript.text, masks) == left


def test_entities_of_personal_types_are_masked_wherever_they_come_from() -> None:
    masker = Masker(Pack.load("banking", with_examples=False).entities, published=False)
    text = "please tell aurelia about it"
    assert masked(text, masker.masks(text, [Entity("person", "aurelia", "aurelia", 12, 19, "tagger", 0.6)])) == (
        "please tell [name] about it"
    )


def test_published_forms_are_found_by_presidio() -> None:
    masker = Masker({})
    assert masked("mine is 536-22-1234 ok", masker.masks("mine is 536-22-1234 ok")) == "mine is [id] ok"
    assert Masker({}).masks("nothing here") == ()


@pytest.mark.parametrize(
    ("name", "recognizer", "checksum", "kind"),
    [
        ("order_id", "id", "luhn", "id"),
        ("promo_code", "id", "", None),
        ("postcode", "id", "", "address"),
        ("person", "tagger", "", "name"),
        ("card_last4", "id", "", "card"),
        ("pan", "card", "", "card"),
        ("money", "money", "", None),
        ("product", "catalogue", "", None),
    ],
)
def test_kinds_follow_recognizers_and_names(name: str, recognizer: str, checksum: str, kind: str | None) -> None:
    assert private_kind(EntityType(name, recognizer=recognizer, checksum=checksum)) == kind


def test_counting_keeps_nothing() -> None:
    assert counted([Mask(0, 2, "id"), Mask(3, 4, "name"), Mask(5, 6, "id")]) == {"id": 2, "name": 1}
