"""How things are said: signals and fields in words, commands to be pasted."""
