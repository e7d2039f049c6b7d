"""What is written to disk: whole or not at all, with what made it; results kept until something that decides them changes."""
