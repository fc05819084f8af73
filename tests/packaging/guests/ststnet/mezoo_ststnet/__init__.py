"""A guest: a shallow network of three streams, in the manner of STSTNet."""
