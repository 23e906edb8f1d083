"""Files in, a validated `Problem` out."""
