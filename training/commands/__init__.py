"""The commands by kind: what they parse, and the one library call behind each."""
