"""The glmscope command: one file a command."""
