"""The released weights: one safetensors file a keyer, with configuration and provenance inside."""
