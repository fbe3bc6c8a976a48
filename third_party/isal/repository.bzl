"""ISA-L, as installed on this machine: for its CRC-32C."""

load("@bazel_tools//tools/build_defs/repo:utils.bzl", "maybe")
load("//third_party:system_library.bzl", "system_library")

def repo():
    maybe(
        system_library,
        name = "isal",
        apt_package = "libisal-dev",
        build_file = Label("//third_party/isal:isal.BUILD.tpl"),
        libraries = ["isal"],
        min_version = "2.20",
        pkg_config = "libisal",
        prefix_env = "ISAL_PREFIX",
        probe_headers = ["include/isa-l/crc.h"],
        title = "ISA-L",
    )
