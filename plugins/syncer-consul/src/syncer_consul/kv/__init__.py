"""The sink `consulkv`: Consul's key-value store."""
