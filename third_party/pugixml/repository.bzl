"""pugixml, as installed on this machine."""

load("@bazel_tools//tools/build_defs/repo:utils.bzl", "maybe")
load("//third_party:system_library.bzl", "system_library")

def repo():
    maybe(
        system_library,
        name = "pugixml",
        apt_package = "libpugixml-dev",
        build_file = Label("//third_party/pugixml:pugixml.BUILD.tpl"),
        libraries = ["pugixml"],
        min_version = "1.11",
        pkg_config = "pugixml",
        prefix_env = "PUGIXML_PREFIX",
        probe_headers = ["include/pugixml.hpp"],
        title = "pugixml",
    )
