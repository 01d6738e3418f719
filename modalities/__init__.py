"""Raw signals to vectors, text and sound. Imports nothing else of Callsight's."""

from modalities.types import Audio, Encoding, Image, Segment, TextLine, Transcript, Word

__all__ = ["Audio", "Encoding", "Image", "Segment", "TextLine", "Transcript", "Word"]
