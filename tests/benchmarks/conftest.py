"""Everything that is timed uses as many threads as it is told to: OpenCV's and PyTorch's own pools are one thread."""

import cv2
import pytest
import torch


@pytest.fixture(autouse=True)
def one_thread():
    before = cv2.getNumThreads(), torch.get_num_threads()
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    yield
    cv2.setNumThreads(before[0])
    torch.set_num_threads(before[1])
