"""What telephone carriers and switches speak: codecs without I/O, and Pipecat's serializers over them."""
