"""Whisper models of any size with random weights, in the form of each system that is compared.

Speed does not depend on what the weights know, so a comparison needs none that were trained. The same weights go to
openai-whisper (a `.pt` file), to transformers (a folder) and to CTranslate2 (that folder, converted).
"""

from __future__ import annotations

import dataclasses
import json
from itertools import pairwise
from pathlib import Path
from typing import Any

SIZES = {  # mel bands, width, heads, encoder layers, decoder layers, vocabulary: Radford et al. 2022, table 1
    "tiny": (80, 384, 6, 4, 4, 51865),
    "base": (80, 512, 8, 6, 6, 51865),
    "small": (80, 768, 12, 12, 12, 51865),
    "medium": (80, 1024, 16, 24, 24, 51865),
    "large-v3": (128, 1280, 20, 32, 32, 51866),
    "large-v3-turbo": (128, 1280, 20, 32, 4, 51866),
}
AUDIO_CONTEXT, TEXT_CONTEXT = 1500, 448

_RENAMED = (  # openai-whisper's names -> transformers'
    ("blocks", "layers"),
    ("mlp.0", "fc1"),
    ("mlp.2", "fc2"),
    ("mlp_ln", "final_layer_norm"),
    ("cross_attn_ln", "encoder_attn_layer_norm"),
    ("cross_attn.", "encoder_attn."),
    ("attn_ln", "self_attn_layer_norm"),
    (".attn.", ".self_attn."),
    (".query", ".q_proj"),
    (".key", ".k_proj"),
    (".value", ".v_proj"),
    (".out.", ".out_proj."),
    ("token_embedding", "embed_tokens"),
    ("positional_embedding", "embed_positions.weight"),
    ("ln_post", "layer_norm"),
    ("decoder.ln.", "decoder.layer_norm."),
)


def random_whisper(size: str, seed: int) -> Any:
    """A model of openai-whisper's class whose tokens vary with the sound and with those before.

    Attention is made sharper than the usual start of a training, under which every window would get the same tokens.
    """
    import torch
    from whisper.model import ModelDimensions, Whisper

    mels, width, heads, encoder, decoder, vocabulary = SIZES[size]
    torch.manual_seed(seed)
    model = Whisper(
        ModelDimensions(mels, AUDIO_CONTEXT, width, heads, encoder, vocabulary, TEXT_CONTEXT, width, heads, decoder)
    )
    torch.nn.init.normal_(model.decoder.token_embedding.weight, std=width**-0.5)
    torch.nn.init.normal_(model.decoder.positional_embedding, std=width**-0.5)
    for name, parameter in model.named_parameters():
        if parameter.ndim == 2 and "embedding" not in name:
            sharp = 2.0 if ".query." in name or ".key." in name else 1.0
            torch.nn.init.normal_(parameter, std=sharp * parameter.shape[1] ** -0.5)
    return model.eval()


def save_openai(model: Any, path: Path) -> Path:
    """The model as openai-whisper publishes its own."""
    import torch

    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save({"dims": dataclasses.asdict(model.dims), "model_state_dict": model.state_dict()}, path)
    return path


def save_transformers(model: Any, folder: Path) -> Path:
    """The same weights as a folder of transformers, with tokenizer and generation settings."""
    from transformers import GenerationConfig, WhisperConfig, WhisperForConditionalGeneration

    dims, tokenizer = model.dims, _tokenizer(model)
    config = WhisperConfig(
        vocab_size=dims.n_vocab,
        num_mel_bins=dims.n_mels,
        d_model=dims.n_audio_state,
        encoder_layers=dims.n_audio_layer,
        encoder_attention_heads=dims.n_audio_head,
        encoder_ffn_dim=4 * dims.n_audio_state,
        decoder_layers=dims.n_text_layer,
        decoder_attention_heads=dims.n_text_head,
        decoder_ffn_dim=4 * dims.n_text_state,
        max_source_positions=dims.n_audio_ctx,
        max_target_positions=dims.n_text_ctx,
        decoder_start_token_id=tokenizer.sot,
        bos_token_id=tokenizer.eot,
        eos_token_id=tokenizer.eot,
        pad_token_id=tokenizer.eot,
    )
    other = WhisperForConditionalGeneration(config)
    state = {f"model.{_renamed(name)}": value for name, value in model.state_dict().items()}
    missing = other.load_state_dict(state, strict=False)
    if missing.unexpected_keys or set(missing.missing_keys) - {"proj_out.weight"}:
        raise RuntimeError(f"the weights do not fit transformers: {missing}")
    other.tie_weights()
    languages = {f"<|{code}|>": token for code, token in _languages(tokenizer)}
    other.generation_config = GenerationConfig(  # type: ignore[no-untyped-call]
        is_multilingual=True,
        lang_to_id=languages,
        task_to_id={"transcribe": tokenizer.transcribe, "translate": tokenizer.translate},
        no_timestamps_token_id=tokenizer.no_timestamps,
        decoder_start_token_id=tokenizer.sot,
        eos_token_id=tokenizer.eot,
        pad_token_id=tokenizer.eot,
        bos_token_id=tokenizer.eot,
        max_length=dims.n_text_ctx,
        suppress_tokens=[],
        begin_suppress_tokens=[],
    )
    other.save_pretrained(folder)
    _save_tokenizer(tokenizer, folder)
    (folder / "preprocessor_config.json").write_text(json.dumps({"feature_size": dims.n_mels}), encoding="utf-8")
    return folder


def save_ctranslate2(source: Path, folder: Path, precision: str) -> Path:
    """A folder of transformers converted for CTranslate2, which faster-whisper runs on."""
    from ctranslate2.converters import TransformersConverter

    converter = TransformersConverter(str(source), copy_files=["tokenizer.json", "preprocessor_config.json"])
    converter.convert(str(folder), quantization=precision)
    return folder


def _renamed(name: str) -> str:
    for old, new in _RENAMED:
        name = name.replace(old, new)
    return name


def _tokenizer(model: Any) -> Any:
    from whisper.tokenizer import get_tokenizer

    return get_tokenizer(True, num_languages=model.num_languages, language="en", task="transcribe")


def _languages(tokenizer: Any) -> list[tuple[str, int]]:
    return list(zip(tokenizer.all_language_codes, tokenizer.all_language_tokens, strict=True))


def _save_tokenizer(tokenizer: Any, folder: Path) -> None:
    """openai-whisper's byte-level vocabulary as the files transformers and faster-whisper read."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    ranks = tokenizer.encoding._mergeable_ranks
    written = {token: "".join(_BYTES[byte] for byte in token) for token in ranks}
    halves = (_halves(ranks, token) for token in ranks if len(token) > 1)
    merges = [(written[first], written[second]) for first, second in halves]
    made = Tokenizer(models.BPE({written[token]: rank for token, rank in ranks.items()}, merges))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    specials = sorted(tokenizer.encoding._special_tokens.items(), key=lambda item: item[1])
    made.add_special_tokens([AddedToken(name, special=True) for name, _ in specials])
    fast = PreTrainedTokenizerFast(tokenizer_object=made, eos_token="<|endoftext|>")  # type: ignore[no-untyped-call]
    fast.save_pretrained(folder)


def _halves(ranks: dict[bytes, int], token: bytes) -> tuple[bytes, bytes]:
    """The two tokens that byte-pair encoding joins last into this one."""
    parts = [bytes([byte]) for byte in token]
    while len(parts) > 2:
        joined = [ranks.get(a + b, len(ranks)) for a, b in pairwise(parts)]
        at = joined.index(min(joined))
        parts[at : at + 2] = [parts[at] + parts[at + 1]]
    return parts[0], parts[1]


def _byte_letters() -> dict[int, str]:
    """GPT-2's letter for each byte: itself where it can be seen, else one from beyond Latin-1."""
    seen = [*range(ord("!"), ord("~") + 1), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    unseen = [byte for byte in range(256) if byte not in seen]
    return {byte: chr(byte) for byte in seen} | {byte: chr(256 + place) for place, byte in enumerate(unseen)}


_BYTES = _byte_letters()
