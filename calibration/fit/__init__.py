"""How a quantised encoder is made: ranges, weights, equalised channels, corrected biases."""
