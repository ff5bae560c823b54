"""The layouts that come with the plugin; each is found by its entry point."""
