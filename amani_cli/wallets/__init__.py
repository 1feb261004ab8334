"""The wallets that amani knows, their servers, keys and balances."""
