"""Running amani: what stays open, what is wrong, what came of what; above all other rooms of the domain."""
