"""Half of fcam/localizer/export_model_test.cc: runs an exported model and
compares with what C++ computed. Usage: export_interop.py FOLDER."""

import json
import os
import sys
import warnings

import numpy
import torch

warnings.filterwarnings("ignore")


def main(folder):
  def path(name):
    return os.path.join(folder, name)

  files = {"model.json": ""}
  model = torch.jit.load(path("model.ts"), _extra_files=files)
  model.eval()
  info = json.loads(files["model.json"])
  assert info["schema_version"] == 1, info
  assert info["input"]["any_size"], info
  assert info["class_names"] == ["ant", "bee", "cat"], info
  names = [name for name, _ in model.named_parameters()]
  assert "encoder.conv1.weight" in names or any(
      name.startswith("encoder.") for name in names), names
  assert not any(p.requires_grad for p in model.parameters())

  # The images of the C++ side, by the same formula in float32.
  shape = (3, 3, 70, 90)
  count = 3 * 3 * 70 * 90
  images = (torch.arange(count, dtype=torch.float32) * 0.37).sin().view(shape)
  with torch.no_grad():
    outputs = model(images)
  assert len(outputs) == 2
  logits = torch.from_numpy(numpy.load(path("logits.npy")))
  maps = torch.from_numpy(numpy.load(path("map.npy"))).view(3, 70, 90)
  for name, got, expected in (("logits", outputs[0], logits),
                              ("map", outputs[1], maps)):
    assert got.shape == expected.shape, (name, got.shape, expected.shape)
    difference = (got - expected).abs().max().item()
    assert difference <= 1e-5, (name, difference)

  # A weight that is changed changes the result: it is no constant of the code.
  with torch.no_grad():
    for parameter in model.parameters():
      parameter.zero_()
    assert not torch.equal(model(images)[0], outputs[0])
  print("torch", torch.__version__)


main(sys.argv[1])
