from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.respelling import respelt


@pytest.mark.parametrize(
    ("read", "printed"),
    [
        ("40170 SHAH ALAN", "40170 SHAH ALAM"),
        ("4D170 Shah Alam", "40170 Shah Alam"),
        ("Tanan Desa, Jahor Bahru, Johar", "Taman Desa, Johor Bahru, Johor"),
        ("JA:AN SE_ANGOR", "JALAN SELANGOR"),
        ("No.1 J1n Kiara", "No.1 Jln Kiara"),
        ("KUALA LUHPUR", "KUALA LUMPUR"),
        ("Kawasan Perndustrian", "Kawasan Perindustrian"),
        ("SETIA ÁLAM", "SETIA ALAM"),
    ],
)
def test_slips_in_known_words_are_put_right(read: str, printed: str) -> None:
    assert respelt(read) == printed


@pytest.mark.parametrize(
    "text", ["12 Pier Road, Portland, ME 04101", "NO. 31G, U13/X", "Lot 2685 Jln Genting", "Masai"]
)
def test_what_is_right_stays(text: str) -> None:
    assert respelt(text) == text


def test_a_language_with_accents_keeps_them() -> None:
    assert respelt("8 Rue de l'Évêché, Sète", "Café de la Gare à Sète, reçu, très près, été, forêt") == (
        "8 Rue de l'Évêché, Sète"
    )


@given(st.text(max_size=120))
def test_any_text_goes_through_once(text: str) -> None:
    once = respelt(text)
    assert respelt(once) == once
