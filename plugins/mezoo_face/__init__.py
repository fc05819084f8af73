"""Faces found, aligned and cropped: the pixels that a network sees."""
