"""Where models come from: encoders with ImageNet weights, decoders trained on labelled clips.

Needs the extra ``edgevtn[training]``.
"""
