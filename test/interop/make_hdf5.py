"""Writes small HDF5 files in fixtures/hdf5 with h5py: forms that Keras writes, those around them, and what means harm.

    .venv-keras/bin/python test/interop/make_hdf5.py
"""

import gzip
import json
import os
import tempfile

import h5py
import numpy as np

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "fixtures", "hdf5")
numbers = np.arange(60, dtype="float32").reshape(5, 4, 3) / 8 - 2
expected = {}


def write(name, fill, **options):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, name)
        with h5py.File(path, "w", **options) as file:
            fill(file)
        with h5py.File(path) as file:
            arrays = {}
            file.visititems(lambda key, node: arrays.update({key: node}) if isinstance(node, h5py.Dataset) else None)
            numeric = {k: a for k, a in arrays.items() if a.dtype.kind in "fiu" and a.dtype.isnative and a.compression is None}
            expected[name] = {k: [list(a.shape), a[()].astype("float64").ravel().tolist()] for k, a in numeric.items()}
        with open(path, "rb") as source, gzip.GzipFile(os.path.join(FOLDER, f"{name}.gz"), "wb", mtime=0) as out:
            out.write(source.read())


def types(file):
    for dtype in ("float16", "float32", "float64", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"):
        file[f"layers/dense/vars/{dtype}"] = np.array([0, 1, 2, 100]).astype(dtype)
    file["scalar"] = np.float32(3.5)
    file["empty"] = np.zeros((0, 3), "float32")


def chunked(file):
    file.create_dataset("a", data=numbers, chunks=(2, 3, 2))
    file.create_dataset("b", data=numbers.ravel(), chunks=(7,), maxshape=(None,))
    file.create_dataset("many", data=np.arange(5000, dtype="int32"), chunks=(8,))


def groups(file):
    for i in range(200):
        file[f"layers/dense_{i}/vars/0"] = np.float32(i)
        file[f"layers/dense_{i}/vars"].attrs["name"] = f"été {i}"
    file["soft"] = h5py.SoftLink("/layers/dense_0/vars/0")
    file["dangling"] = h5py.SoftLink("/nowhere")
    file["outside"] = h5py.ExternalLink("other.h5", "/x")


def attributes(file):
    group = file.create_group("layers/dense/vars")
    group["0"] = np.float32(1)
    group.attrs["name"] = "dense"
    group.attrs["fixed"] = np.bytes_(b"fixed")
    group.attrs["list"] = np.array([b"a", b"bc"])
    for i in range(20):
        group.attrs[f"more{i}"] = "x" * i
    group.attrs["nothing"] = h5py.Empty("S1")


def few(file):
    """So few members and attributes that newer versions of the format keep them in the headers, too."""
    group = file.create_group("layers/dense/vars")
    group["0"] = numbers
    group["1"] = np.float32(1)
    group.attrs["name"] = "dense"
    file["counter"] = np.int64(7)


def unusual(file):
    file["big"] = np.array([1, 2], ">f4")
    file["text"] = np.array(["a", "b"], dtype=h5py.string_dtype())
    file["flags"] = np.array([True, False])
    file["pairs"] = np.zeros(2, [("a", "f4"), ("b", "i4")])
    file["float32"] = np.array([1, 2], "float32")
    file.create_dataset("small", data=numbers, compression="gzip")


def links(file):
    file["layers/dense/vars/0"] = np.zeros(1000, "float32")
    for i in range(1, 2000):
        file[f"layers/dense/vars/{i}"] = file["layers/dense/vars/0"]


def main():
    os.makedirs(FOLDER, exist_ok=True)
    write("types.h5", types)
    write("chunked.h5", chunked)
    write("groups.h5", groups)
    write("attributes.h5", attributes)
    write("unusual.h5", unusual)
    write("latest.h5", few, libver="latest")
    write("v108.h5", few, libver=("v108", "v108"))
    write("dense.h5", types, libver="latest")
    write("bomb.h5", lambda file: file.create_dataset("zeros", data=np.zeros(2**24, "uint8"), chunks=(2**24,), compression="gzip"))
    write("links.h5", links)
    write("names.h5", lambda file: [file.create_group("/".join(["n" * 4000] * 3)), file.create_group("x" * 10_000)])
    with open(os.path.join(FOLDER, "expected.json"), "w", encoding="utf-8") as file:
        for name in ("bomb.h5", "links.h5", "names.h5", "dense.h5"):
            del expected[name]
        json.dump(expected, file)
        file.write("\n")


main()
