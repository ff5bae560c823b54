"""The command line: what people type and what is printed, and the process behind `syncer run`."""
