"""Highway, as installed on this machine."""

load("@bazel_tools//tools/build_defs/repo:utils.bzl", "maybe")
load("//third_party:system_library.bzl", "system_library")

def repo():
    maybe(
        system_library,
        name = "com_google_highway",
        apt_package = "libhwy-dev",
        build_file = Label("//third_party/highway:highway.BUILD.tpl"),
        libraries = ["hwy"],
        min_version = "1.0",
        prefix_env = "HIGHWAY_PREFIX",
        probe_headers = ["include/hwy/highway.h"],
        title = "Highway",
        version_header = "include/hwy/highway.h",
        version_macros = ["HWY_MAJOR", "HWY_MINOR"],
    )
