"""`glmscope conform`: the numbered checks of the DashScope protocol against any running server."""
