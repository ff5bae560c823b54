"""The language that the engine and its plugins share: values, contracts, options, errors."""
