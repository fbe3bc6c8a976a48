"""All that this workspace needs from outside, as functions a WORKSPACE calls.

A consumer of //vision calls vision_repositories(); this repository itself calls
fcam_repositories(). A repository that the caller has defined before is left
alone, so each of them can be replaced (for instance by an Abseil built from
source). Repositories are fetched lazily: a target that does not need LibTorch
never looks for it.
"""

load("//third_party/abseil:repository.bzl", abseil = "repo")
load("//third_party/bazel:shims.bzl", _bazel_shims = "bazel_shims")
load("//third_party/benchmark:repository.bzl", benchmark = "repo")
load("//third_party/cuda:repository.bzl", local_cuda = "repo")
load("//third_party/gflags:repository.bzl", gflags = "repo")
load("//third_party/glog:repository.bzl", glog = "repo")
load("//third_party/googletest:repository.bzl", googletest = "repo")
load("//third_party/highway:repository.bzl", highway = "repo")
load("//third_party/isal:repository.bzl", isal = "repo")
load("//third_party/libtorch:repository.bzl", libtorch = "repo")
load("//third_party/mustache:repository.bzl", mustache = "repo")
load("//third_party/nlohmann_json:repository.bzl", nlohmann_json = "repo")
load("//third_party/opencv:repository.bzl", opencv = "repo")
load("//third_party/protobuf:repository.bzl", protobuf = "repo")
load("//third_party/pugixml:repository.bzl", pugixml = "repo")
load("//third_party/yaml_cpp:repository.bzl", yaml_cpp = "repo")
load("//third_party/zlib:repository.bzl", zlib = "repo")

def bazel_shims():
    """Repositories that Bazel itself would download (see third_party/bazel)."""
    _bazel_shims()

def vision_repositories():
    """What //vision needs: nothing of wsol, fcam or the tests."""
    bazel_shims()
    abseil()
    glog()
    highway()
    libtorch()
    local_cuda()
    opencv()
    zlib()

def fcam_repositories():
    """What the whole tree needs, tests and benchmarks included."""
    vision_repositories()
    benchmark()
    gflags()
    googletest()
    isal()
    mustache()
    nlohmann_json()
    protobuf()
    pugixml()
    yaml_cpp()
