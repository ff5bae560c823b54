"""What people type, what is printed, and the process that `syncer run` is."""
