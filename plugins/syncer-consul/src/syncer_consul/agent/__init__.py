"""The sink `consul`: services of a Consul agent."""
