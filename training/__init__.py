"""Where models come from: encoders with ImageNet weights, heads trained on labelled clips.

Needs the extra ``edgevtn[training]``.
"""
