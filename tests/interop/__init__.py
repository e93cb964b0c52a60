"""Whether real clients and frameworks can use the server: `make interop`. Needs the package registries."""
