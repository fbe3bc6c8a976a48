"""Writes map.pt, wide.pt and dictionary.pt as torch.save does, without PyTorch.

Run in this folder: python3 make_maps.py
"""

import pickle
import struct
import sys
import types
import zipfile


def make_torch():
    """Stands for the names of PyTorch that such a pickle refers to."""
    torch = types.ModuleType("torch")
    utils = types.ModuleType("torch._utils")
    for name in ("FloatStorage", "DoubleStorage"):
        setattr(torch, name, type(name, (), {"__module__": "torch"}))

    def _rebuild_tensor_v2():
        pass

    _rebuild_tensor_v2.__module__ = "torch._utils"
    _rebuild_tensor_v2.__qualname__ = "_rebuild_tensor_v2"
    utils._rebuild_tensor_v2 = _rebuild_tensor_v2
    sys.modules.update({"torch": torch, "torch._utils": utils})
    return torch, _rebuild_tensor_v2


TORCH, REBUILD = make_torch()


class Storage:
    def __init__(self, key, kind, numel):
        self.id = ("storage", kind, key, "cpu", numel)


class Tensor:
    def __init__(self, storage, offset, shape, strides):
        self.parts = (storage, offset, shape, strides, False, {})

    def __reduce__(self):
        return REBUILD, self.parts


class Pickler(pickle.Pickler):
    def persistent_id(self, obj):
        return obj.id if isinstance(obj, Storage) else None


def write(path, obj, values, code):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        with archive.open("archive/data.pkl", "w") as member:
            Pickler(member, protocol=2).dump(obj)
        archive.writestr("archive/data/0",
                         struct.pack(f"<{len(values)}{code}", *values))
        archive.writestr("archive/version", "3\n")


# [[0, .25, .5], [.75, 1, .125]], as columns of a [3, 2] tensor.
TRANSPOSED = [0, .75, .25, 1, .5, .125]
write("map.pt",
      Tensor(Storage("0", TORCH.FloatStorage, 6), 0, (2, 3), (1, 2)),
      TRANSPOSED, "f")
# [1, 1, 2] of float64 that starts at its second value.
write("wide.pt",
      Tensor(Storage("0", TORCH.DoubleStorage, 3), 1, (1, 1, 2), (2, 2, 1)),
      [9, .5, .25], "d")
write("dictionary.pt",
      {"map": Tensor(Storage("0", TORCH.FloatStorage, 1), 0, (1, 1), (1, 1))},
      [1], "f")
