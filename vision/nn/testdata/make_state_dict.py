"""Writes what vision/nn/state_dict_test.cc reads, with the PyTorch at hand."""

import torch

version = "_".join(torch.__version__.split(".")[:2])
module = torch.nn.Sequential(
    torch.nn.Conv2d(2, 3, kernel_size=1, bias=False), torch.nn.BatchNorm2d(3))
with torch.no_grad():
  for i, tensor in enumerate(module.state_dict().values()):
    tensor.copy_(torch.arange(tensor.numel()).view(tensor.shape) + 10 * i)
torch.save(module.state_dict(), "python_state_dict_%s.pt" % version)
torch.save([1, 2], "python_list_%s.pt" % version)
