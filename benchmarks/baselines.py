"""What a benchmark is compared with: the text encoder frozen under linear models, and plainly fine-tuned.

Frozen: logistic regression on the mean token vector (and on each token's, for slots). Fine-tuned: a Hugging Face
classification head and the textbook recipe (Devlin et al. 2019: cross-entropy, AdamW, 5 epochs, 5e-5 with linear
decay, batches of 32), one model for intents and one for slots. Rows outside are one more class; the probability of
being outside is what the likeliest intent lacks to one. Both take one intent of a sentence at most.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from tqdm import tqdm

from agent.config import load_settings
from agent.crf import LinearChainCRF
from agent.decode import Span, Tagged, decode_tags, softmax
from agent.heads import Labels
from agent.types import Entity, Intent, Understanding
from benchmarks.packs import Understand
from modalities.locate import locate
from modalities.text import TextEncoder
from training.rows import Row
from training.scores import FloatArray
from training.targets import tag_ids

OUTSIDE = ""
"""The class of rows outside."""

EPOCHS, RATE, BATCH, WARMUP = 5, 5e-5, 32, 0.1
INVERSE_PENALTY = 10.0
"""Of logistic regression (scikit-learn's C) on vectors of length one; 1 is far too stiff for them."""


def labels_of(rows: Sequence[Row]) -> Labels:
    """Intents (with `OUTSIDE` last, where rows have it) and entity types of rows."""
    names = {name for row in rows for name in row.intents or ()}
    outside = (OUTSIDE,) if any(row.intents == () for row in rows) else ()
    return Labels((*sorted(names), *outside), tuple(sorted({kind for row in rows for kind, _, _ in row.spans or ()})))


def understanding(text: str, chances: FloatArray, labels: Labels, spans: Sequence[Span]) -> Understanding:
    """An understanding out of class probabilities (number of intents,) and spans."""
    order = [i for i in np.argsort(-chances) if labels.intents[i] != OUTSIDE]
    intents = tuple(Intent(labels.intents[i], float(chances[i])) for i in order)
    entities = tuple(Entity(kind, text[a:b], text[a:b], a, b, "tagger", score) for kind, a, b, score in spans)
    refused = OUTSIDE in labels.intents and int(chances.argmax()) == labels.intents.index(OUTSIDE)
    return Understanding(
        text=text,
        intents=intents,
        wanted=0 if refused else 1,
        entities=entities,
        verdict="out_of_scope" if refused else "ok",
        out_of_scope=1.0 - intents[0].confidence,
    )


def classes_of(rows: Sequence[Row], labels: Labels) -> tuple[list[str], list[int]]:
    """Texts and classes of the rows of one intent or none."""
    plain = [row for row in rows if row.intents is not None and len(row.intents) < 2]
    return [row.text for row in plain], [labels.intents.index((row.intents or (OUTSIDE,))[0]) for row in plain]


def frozen(rows: Sequence[Row], options: argparse.Namespace) -> Understand:
    """Logistic regression on the encoder as published."""
    from sklearn.linear_model import LogisticRegression

    settings, labels = load_settings(options.stack), labels_of(rows)
    encoder = TextEncoder(settings.text.model, settings.device)
    texts, classes = classes_of(rows, labels)
    intents = LogisticRegression(C=INVERSE_PENALTY, max_iter=1000, random_state=options.seed)
    intents.fit(encoder.pool(texts), classes)
    tagger: Any = None
    if labels.entities:
        tagger = LogisticRegression(max_iter=200, random_state=options.seed)
        encodings = encoder.encode([row.text for row in rows])
        tags = [tag_ids(row.spans or (), e.spans, labels) for row, e in zip(rows, encodings, strict=True)]
        tagger.fit(np.concatenate([e.vectors for e in encodings]), np.concatenate([np.array(t, int) for t in tags]))

    rules = LinearChainCRF(len(labels.tags)).transitions()

    def understand(texts: Sequence[str]) -> list[Understanding]:
        chances = intents.predict_proba(encoder.pool(texts))
        tagged = []
        for text, encoding in zip(texts, encoder.encode(texts), strict=True):
            scores = np.full((len(encoding), len(labels.tags)), -60.0)
            if tagger is not None and len(encoding):
                scores[:, tagger.classes_] = tagger.predict_log_proba(encoding.vectors)
            tagged.append(Tagged(scores, encoding.spans, text))
        spans = decode_tags(tagged, labels, rules)
        return [
            understanding(text, chance, labels, marked)
            for text, chance, marked in zip(texts, chances, spans, strict=True)
        ]

    return understand


def fine_tuned(rows: Sequence[Row], options: argparse.Namespace) -> Understand:
    """The encoder fine-tuned with a classification head, and again with a token classification head for slots."""
    from transformers import AutoModelForSequenceClassification, AutoModelForTokenClassification

    settings, labels = load_settings(options.stack), labels_of(rows)
    encoder = TextEncoder(settings.text.model, settings.device)  # its tokenizer is what is used
    path = locate(settings.text.model)
    torch.manual_seed(options.seed)
    torch.set_num_threads(options.threads)
    texts, classes = classes_of(rows, labels)
    classifier = AutoModelForSequenceClassification.from_pretrained(
        path, num_labels=len(labels.intents), local_files_only=True
    )
    _fit(classifier, encoder, texts, lambda some, _: torch.tensor([classes[i] for i in some]), options.seed)
    tagger: Any = None
    if labels.entities:
        tagger = AutoModelForTokenClassification.from_pretrained(
            path, num_labels=len(labels.tags), local_files_only=True
        )

        def tags(some: Sequence[int], places: Sequence[Any]) -> torch.Tensor:
            return torch.tensor([tag_ids(rows[i].spans or (), o, labels) for i, o in zip(some, places, strict=True)])

        _fit(tagger, encoder, [row.text for row in rows], tags, options.seed)

    rules = LinearChainCRF(len(labels.tags)).transitions()

    def understand(texts: Sequence[str]) -> list[Understanding]:
        spans: list[list[Span]] = [[] for _ in texts]
        if tagger is not None:
            found = _logits(tagger, encoder, texts)
            tagged = [Tagged(*scored, text) for scored, text in zip(found, texts, strict=True)]
            spans = decode_tags(tagged, labels, rules)
        return [
            understanding(text, softmax(scores), labels, marked)
            for text, (scores, _), marked in zip(texts, _logits(classifier, encoder, texts), spans, strict=True)
        ]

    return understand


def _fit(
    model: Any,
    encoder: TextEncoder,
    texts: Sequence[str],
    targets: Callable[[Sequence[int], Sequence[Any]], torch.Tensor],
    seed: int,
) -> None:
    """The textbook recipe; `targets` gives the labels of some texts, by number and token offsets."""
    from transformers import get_linear_schedule_with_warmup

    rng = random.Random(seed)
    model.to(encoder.device).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=RATE, weight_decay=0.01, fused=True)
    steps = EPOCHS * -(-len(texts) // BATCH)
    schedule = get_linear_schedule_with_warmup(optimizer, int(WARMUP * steps), steps)  # type: ignore[no-untyped-call]
    for epoch in range(EPOCHS):
        order = rng.sample(range(len(texts)), len(texts))
        for some in tqdm(list(_batches(order)), f"baseline, epoch {epoch + 1}", mininterval=10):
            batch = encoder.tokens([texts[i] for i in some])
            places = [[(int(a), int(b)) for a, b in row] for row in batch["offset_mapping"]]
            loss = model(**_inputs(batch, encoder), labels=targets(some, places).to(encoder.device)).loss
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
    model.eval()


def _batches(order: Sequence[int]) -> Iterator[Sequence[int]]:
    return (order[i : i + BATCH] for i in range(0, len(order), BATCH))


def _inputs(batch: dict[str, Any], encoder: TextEncoder) -> dict[str, Any]:
    return {name: batch[name].to(encoder.device) for name in ("input_ids", "attention_mask")}


@torch.inference_mode()
def _logits(model: Any, encoder: TextEncoder, texts: Sequence[str]) -> list[tuple[FloatArray, list[tuple[int, int]]]]:
    """Of each text its scores (those of real tokens alone, for a tagger) and its tokens' offsets."""
    results = []
    for some in _batches(range(len(texts))):
        batch = encoder.tokens([texts[i] for i in some])
        logits = model(**_inputs(batch, encoder)).logits.float().cpu().numpy()
        for scores, offsets in zip(logits, batch["offset_mapping"].numpy(), strict=True):
            real = offsets[:, 1] > offsets[:, 0]
            places = [(int(a), int(b)) for a, b in offsets[real]]
            results.append((scores[real] if scores.ndim == 2 else scores, places))
    return results


BASELINES: dict[str, Callable[[Sequence[Row], argparse.Namespace], Understand]] = {
    "frozen": frozen,
    "fine-tuned": fine_tuned,
}
"""By name: what fits a baseline on rows."""
