"""Writes the files that vision/nn/python_files_test.cc reads, as base64 text,
with the PyTorch at hand: python3 make_checkpoints.py."""

import base64
import collections
import io
import warnings

import torch

warnings.filterwarnings("ignore")
VERSION = "_".join(torch.__version__.split(".")[:2])


def tensors():
  """Each dtype, and each way of lying in memory. Values: see the test."""
  base = torch.arange(10, dtype=torch.float32)
  named = collections.OrderedDict()
  named["weight"] = torch.nn.Parameter(
      torch.arange(6, dtype=torch.float32).view(3, 2, 1, 1))
  named["transposed"] = torch.arange(6, dtype=torch.float32).view(2, 3).t()
  named["slice"] = base[2:5]
  named["same_storage"] = base
  named["scalar"] = torch.tensor(7)
  named["empty"] = torch.zeros(0, 3)
  named["special"] = torch.tensor([-0.0, float("inf"), float("nan"), 1e-45])
  for dtype in (torch.float64, torch.float16, torch.bfloat16, torch.int64,
                torch.int32, torch.int16, torch.int8):
    named[str(dtype)[6:]] = torch.tensor([-1, 0, 3]).to(dtype)
  named["uint8"] = torch.tensor([255, 0, 3], dtype=torch.uint8)
  named["bool"] = torch.tensor([True, False, True])
  return named


def wrapped():
  """A checkpoint of a training script that uses DataParallel."""
  layer = torch.nn.Linear(2, 1)
  optimizer = torch.optim.SGD(layer.parameters(), lr=0.1, momentum=0.9)
  layer(torch.ones(1, 2)).sum().backward()
  optimizer.step()
  return {
      "epoch": 3,
      "lr": 0.1,
      "arch": "net",
      "best": None,
      "history": [(1, 2.5), [True]],
      "optimizer": optimizer.state_dict(),
      "state_dict": collections.OrderedDict(
          ("module." + name, tensor) for name, tensor in tensors().items()),
  }


def write(name, obj, **kwargs):
  buffer = io.BytesIO()
  torch.save(obj, buffer, **kwargs)
  write_bytes(name, buffer.getvalue())


def write_bytes(name, contents):
  with open(name + ".b64", "wb") as out:
    out.write(base64.encodebytes(contents))


write("plain_%s_zip" % VERSION, tensors())
write("plain_%s_legacy" % VERSION, tensors(),
      _use_new_zipfile_serialization=False)
write("wrapped_%s_zip" % VERSION, wrapped())
write("wrapped_%s_legacy" % VERSION, wrapped(),
      _use_new_zipfile_serialization=False)
write("plain_%s_protocol4" % VERSION, tensors(), pickle_protocol=4)
try:
  import safetensors.torch
  write_bytes("plain_safetensors", safetensors.torch.save(
      {name: tensor.detach().clone().contiguous()
       for name, tensor in tensors().items()}, {"format": "pt"}))
except ImportError:
  pass
