"""Links and Lightning addresses as anybody can open them: what is asked for is read, handed down and put into words."""
