"""The layouts that come with the plugin."""
