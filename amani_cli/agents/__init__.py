"""The door for AI agents (Model Context Protocol): what they may ask for, how answers reach them. No rule is here."""
