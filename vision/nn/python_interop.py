"""Half of vision/nn/python_interop_test.cc: reads what LibTorch code wrote and
writes it back in Python's ways. Usage: python_interop.py FOLDER."""

import collections
import os
import sys
import warnings

import torch

warnings.filterwarnings("ignore")


def main(folder):
  def path(name):
    return os.path.join(folder, name)

  ours = torch.load(path("ours.pt"), weights_only=True)
  assert type(ours) is collections.OrderedDict, type(ours)
  # One value known on both sides, in case both are wrong in the same way.
  expected = torch.arange(6, dtype=torch.float32).view(2, 3)
  assert torch.equal(ours["weight"], expected), ours["weight"]
  assert ours["weight"].is_contiguous()
  assert ours["twin"].data_ptr() == ours["weight"].data_ptr()
  assert list(torch.load(path("ours.pt"))) == list(ours)

  torch.save(ours, path("zip.pt"))
  torch.save(ours, path("legacy.pt"), _use_new_zipfile_serialization=False)
  torch.save({"epoch": 1, "model": ours}, path("wrapped.pt"))
  print("torch", torch.__version__)
  try:
    import safetensors.torch
  except ImportError:
    return
  read = safetensors.torch.load_file(path("ours.safetensors"))
  safetensors.torch.save_file(
      {name: tensor.clone() for name, tensor in read.items()},
      path("theirs.safetensors"))
  print("safetensors")


main(sys.argv[1])
