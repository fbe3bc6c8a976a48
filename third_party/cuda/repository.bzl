"""The CUDA toolkit's compiler, if this machine has one: @local_cuda.

Not having one is no error. @local_cuda//:cuda.bzl then says found = False, and
the targets of //tools:cuda.bzl become incompatible: `bazel test //...` skips
them, and says so.

Looked for, in this order:
  1. CUDA_HOME, a folder with bin/nvcc; it is an error if there is none;
  2. nvcc on the PATH;
  3. /usr/local/cuda;
  4. ~/.cache/fcam/cuda, where `tools/setup --cuda` puts the packages of PyPI;
  5. those packages (nvidia-cuda-nvcc and what it needs) in python3's own path.

Environment read: CUDA_HOME, PATH, HOME; FCAM_CUDA=0 finds nothing.
"""

load("@bazel_tools//tools/build_defs/repo:utils.bzl", "maybe")
load("//third_party:system_library.bzl", "version_at_least")

# The first release that compiles for compute capability 12.0.
_MIN_VERSION = "12.8"

# Inside of an installation from PyPI.
_WHEEL_PREFIX = "nvidia/cu13"

_FIND_IN_PYTHON = """
import os, sys
for folder in sys.path:
    prefix = os.path.join(folder, "{}")
    if os.path.exists(os.path.join(prefix, "bin", "nvcc")):
        print(prefix)
        break
""".format(_WHEEL_PREFIX)

def _has_nvcc(ctx, prefix):
    return ctx.path(prefix + "/bin/nvcc").exists

def _find_prefix(ctx):
    """Returns the toolkit's folder, or None and where it was looked for."""
    environ = ctx.os.environ
    if environ.get("FCAM_CUDA", "1") == "0":
        return None
    home = environ.get("CUDA_HOME", "")
    if home:
        if _has_nvcc(ctx, home):
            return home
        fail("\n".join([
            "",
            "@local_cuda: CUDA_HOME has no nvcc.",
            "Looked in:",
            "  {}: no bin/nvcc".format(home),
            "To fix it, point CUDA_HOME to a toolkit, or unset it: a build without CUDA needs none.",
        ]))
    nvcc = ctx.which("nvcc")
    if nvcc:
        # What is on the PATH may be a script that calls the real one, which
        # tells where it is: "#$ _HERE_=/usr/local/cuda-13.0/bin".
        output = ctx.execute([nvcc, "--dryrun", "-c", "-x", "cu", "/dev/null"]).stderr
        for line in output.split("\n"):
            if line.startswith("#$ _HERE_=") and line.endswith("/bin"):
                return line[len("#$ _HERE_="):-len("/bin")]
    candidates = ["/usr/local/cuda"]
    if environ.get("HOME", ""):
        candidates.append(environ["HOME"] + "/.cache/fcam/cuda/" + _WHEEL_PREFIX)
    for prefix in candidates:
        if _has_nvcc(ctx, prefix):
            return prefix
    python = ctx.which("python3")
    if python:
        prefix = ctx.execute([python, "-c", _FIND_IN_PYTHON]).stdout.strip()
        if prefix:
            return prefix
    return None

def _version(ctx, prefix):
    # "Cuda compilation tools, release 13.0, V13.0.88"
    output = ctx.execute([prefix + "/bin/nvcc", "--version"]).stdout
    for word in output.replace(",", " ").replace("\n", " ").split(" "):
        if word.startswith("V") and word[1:2].isdigit():
            return word[1:]
    return "0"

def _impl(ctx):
    prefix = _find_prefix(ctx)
    version = _version(ctx, prefix) if prefix else ""
    if prefix and not version_at_least(version, _MIN_VERSION):
        # buildifier: disable=print
        print("nvcc {} in {} is older than {} and is not used".format(version, prefix, _MIN_VERSION))
        prefix = None
    host_compiler = ctx.which("g++") or ctx.which("clang++") if prefix else None
    linkopts = []
    if prefix:
        if not host_compiler:
            fail("@local_cuda: nvcc needs a host compiler, and there is neither g++ nor clang++ on the PATH")
        ctx.symlink(prefix + "/include", "include")
        library_dirs = [d for d in ["lib64", "lib"] if ctx.path("{}/{}/libcudart_static.a".format(prefix, d)).exists]
        if not library_dirs:
            fail("@local_cuda: {} has nvcc but no libcudart_static.a in lib64 or lib".format(prefix))
        linkopts = [
            "{}/{}/libcudart_static.a".format(prefix, library_dirs[0]),
            "-ldl",
            "-lrt",
            "-lpthread",
        ]
    ctx.template("BUILD", ctx.attr._build_file, {
        "%{compatible_with}": repr([] if prefix else [":found"]),
        "%{linkopts}": repr(linkopts),
    })
    ctx.file("cuda.bzl", """\"\"\"What was found; see third_party/cuda/repository.bzl.\"\"\"

CUDA = struct(
    found = {found},
    host_compiler = "{host_compiler}",
    nvcc = "{nvcc}",
    version = "{version}",
)
""".format(
        found = bool(prefix),
        host_compiler = host_compiler or "",
        nvcc = prefix + "/bin/nvcc" if prefix else "",
        version = version,
    ))

local_cuda = repository_rule(
    implementation = _impl,
    attrs = {
        "_build_file": attr.label(
            allow_single_file = True,
            default = Label("//third_party/cuda:local_cuda.BUILD.tpl"),
        ),
    },
    configure = True,
    doc = "The CUDA toolkit of this machine, or its absence.",
    environ = ["CUDA_HOME", "FCAM_CUDA", "HOME", "PATH"],
    local = True,
)

def repo():
    maybe(local_cuda, name = "local_cuda")
