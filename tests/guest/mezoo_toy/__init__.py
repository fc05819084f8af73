"""A guest of mezoo, as small as it can be: films that brighten, and a threshold that spots it."""
