"""A simulated world around the real amani: commands, faults, crashes and clocks drawn from a seed."""
