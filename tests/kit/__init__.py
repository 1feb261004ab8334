"""What tests are made with: the driver of commands, servers, doubles, proxies."""
