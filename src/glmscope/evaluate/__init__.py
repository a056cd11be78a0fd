"""What a small model can do: questions it was not trained on, asked, judged and counted."""
