"""Tiny checkpoints of the real model classes, randomly initialised and saved as their publishers save theirs.

They are loaded by the same calls a user's weights take. They know nothing, except that `tiny_whisper` can be taught
one sentence, so that a whole turn has words to understand.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

ALPHABET = "abcdefghijklmnopqrstuvwxyz"
TEXT_WIDTH = 32
VISION_WIDTH = 32
SPEECH_WIDTH = 64
VOICE_RATE = 22_050


def tiny_whisper(folder: Path, says: str = "", *, multilingual: bool = False) -> Path:
    """A Whisper of one layer as openai-whisper saves it: dims and state dict in a `.pt` file.

    Args:
        folder: where `tiny.pt` goes.
        says: the sentence it hears in any sound, with high confidence; learnt in some seconds. Untaught when empty.
        multilingual: with the vocabulary of the multilingual models, else of the English ones.
    """
    import torch
    from whisper.model import ModelDimensions, Whisper

    torch.manual_seed(0)
    dims = ModelDimensions(
        n_mels=80,
        n_audio_ctx=1500,
        n_audio_state=SPEECH_WIDTH,
        n_audio_head=2,
        n_audio_layer=1,
        n_vocab=51865 if multilingual else 51864,
        n_text_ctx=64,
        n_text_state=SPEECH_WIDTH,
        n_text_head=2,
        n_text_layer=1,
    )
    model = Whisper(dims)
    torch.nn.init.normal_(model.decoder.positional_embedding, std=0.02)
    if says:
        _teach(model, says)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "tiny.pt"
    torch.save({"dims": dataclasses.asdict(dims), "model_state_dict": model.state_dict()}, path)
    return path


def _teach(model: Any, sentence: str, steps: int = 100, enough: float = 0.005) -> None:
    """Train the decoder to say one sentence to whatever sound, at whatever place in the context a prompt puts it."""
    import torch
    from whisper.tokenizer import get_tokenizer

    tokenizer = get_tokenizer(
        model.is_multilingual, num_languages=model.num_languages, language="en", task="transcribe"
    )
    start = [*tokenizer.sot_sequence_including_notimestamps]
    tokens = [*start, *tokenizer.encode(" " + sentence.strip()), tokenizer.eot]
    # Positions are left out: what follows a token depends on the tokens alone.
    torch.nn.init.zeros_(model.decoder.positional_embedding)
    row = torch.tensor([tokens])
    optimizer = torch.optim.Adam(model.decoder.parameters(), lr=0.02)
    for _ in range(steps):
        sound = torch.randn(1, 50, SPEECH_WIDTH)
        logits = model.decoder(row[:, :-1], sound)
        loss = torch.nn.functional.cross_entropy(logits[0, len(start) - 1 :], row[0, len(start) :])
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        model.decoder.positional_embedding.grad.zero_()
        optimizer.step()
        if loss.item() < enough:
            return
    raise AssertionError(f"the tiny Whisper did not learn its sentence: loss {loss.item():.3f} after {steps} steps")


def tiny_vits(folder: Path, phonemes: bool = False) -> Path:
    """A single-speaker VITS as Coqui saves it: `model.pth` beside `config.json`. Returns the folder.

    Args:
        folder: where the two files go.
        phonemes: takes eSpeak's phonemes, as the published English VITS does, instead of characters.
    """
    import torch
    from TTS.config.shared_configs import BaseAudioConfig
    from TTS.tts.configs.vits_config import VitsArgs, VitsConfig
    from TTS.tts.models.vits import Vits

    torch.manual_seed(0)
    args = VitsArgs(
        hidden_channels=16,
        hidden_channels_ffn_text_encoder=16,
        num_heads_text_encoder=2,
        num_layers_text_encoder=1,
        num_layers_posterior_encoder=1,
        num_layers_flow=1,
        upsample_initial_channel_decoder=32,
        resblock_kernel_sizes_decoder=[3],
        resblock_dilation_sizes_decoder=[[1, 3, 5]],
        use_sdp=False,
        init_discriminator=False,
    )
    config = VitsConfig(
        model_args=args,
        audio=BaseAudioConfig(sample_rate=VOICE_RATE),
        use_phonemes=phonemes,
        phonemizer="espeak" if phonemes else None,
        phoneme_language="en-us" if phonemes else None,
        text_cleaner="english_cleaners",
        add_blank=False,
        run_eval=False,
    )
    model = Vits(config)
    folder.mkdir(parents=True, exist_ok=True)
    config.save_json(str(folder / "config.json"))
    torch.save({"model": model.state_dict(), "config": config.to_dict()}, folder / "model.pth")
    return folder


def tiny_text_encoder(folder: Path) -> Path:
    """A BERT with a word-piece tokenizer over letters, saved with `save_pretrained`. Returns the folder."""
    import torch
    from transformers import BertConfig, BertModel, BertTokenizerFast  # type: ignore[attr-defined]

    torch.manual_seed(0)
    folder.mkdir(parents=True, exist_ok=True)
    letters = [*ALPHABET, *"0123456789.,?!$%@'-#"]
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *letters, *(f"##{letter}" for letter in letters)]
    (folder / "vocab.txt").write_text("\n".join(words) + "\n")
    BertTokenizerFast(str(folder / "vocab.txt"), model_max_length=128).save_pretrained(folder)
    config = BertConfig(
        vocab_size=len(words),
        hidden_size=TEXT_WIDTH,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=TEXT_WIDTH,
        max_position_embeddings=128,
    )
    BertModel(config).save_pretrained(folder)
    return folder


def tiny_vision_encoder(folder: Path) -> Path:
    """A SigLIP 2 of 32 x 32 pixels with its image processor, saved with `save_pretrained`. Returns the folder."""
    import torch
    from transformers import SiglipConfig, SiglipImageProcessorPil, SiglipModel

    torch.manual_seed(0)
    folder.mkdir(parents=True, exist_ok=True)
    layer = {"hidden_size": VISION_WIDTH, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    config = SiglipConfig(
        text_config={**layer, "vocab_size": 64, "max_position_embeddings": 16, "bos_token_id": 1, "eos_token_id": 2},
        vision_config={**layer, "image_size": 32, "patch_size": 8},
    )
    SiglipModel(config).save_pretrained(folder)
    SiglipImageProcessorPil(size={"height": 32, "width": 32}).save_pretrained(folder)
    return folder
