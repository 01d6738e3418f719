from training.split import near_duplicate_groups, split

SENTENCES = [
    f"{verb} my {thing} number {i}"
    for i, thing in enumerate(["order", "parcel", "refund", "invoice"] * 6)
    for verb in ("cancel", "track", "show", "find")
]


def test_near_duplicates_share_a_group() -> None:
    groups = near_duplicate_groups(["where is my order", "Where is my order?", "I want to close my account"])
    assert groups[0] == groups[1] != groups[2]


def test_no_group_is_torn_apart() -> None:
    texts = [*SENTENCES, *(f"{sentence}!" for sentence in SENTENCES)]
    labels = [text.split()[0] for text in texts]
    parts = split(texts, labels, (0.5, 0.5), seed=3)
    groups = near_duplicate_groups(texts)
    assert not {groups[i] for i in parts[0]} & {groups[i] for i in parts[1]}
    assert sorted(i for part in parts for i in part) == list(range(len(texts)))


def test_same_seed_same_split_other_seed_another() -> None:
    labels = [text.split()[0] for text in SENTENCES]
    assert split(SENTENCES, labels, seed=1) == split(SENTENCES, labels, seed=1)
    assert split(SENTENCES, labels, seed=1) != split(SENTENCES, labels, seed=2)
