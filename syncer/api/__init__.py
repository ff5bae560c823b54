"""The language shared by the engine and its plugins: values, contracts, options, errors."""
