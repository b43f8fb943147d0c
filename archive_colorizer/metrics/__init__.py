"""Figures that compare pictures, and the pretrained networks that some of them need."""
