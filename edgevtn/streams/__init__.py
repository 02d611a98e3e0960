"""What a sampled frame, or a missing one, means to each modality: one module each."""
