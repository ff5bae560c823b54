"""The form of instances in Eureka: what is written, and what is read back."""
