"""Videos: decoded in processes of their own, frame by frame."""
