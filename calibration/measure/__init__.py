"""What quantisation gained and cost: comparison, accuracy, report."""
