"""The conformance suite of MCP against the real server: `make conformance`. Needs the package registries."""
