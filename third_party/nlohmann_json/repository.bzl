"""JSON for Modern C++, as installed on this machine."""

load("@bazel_tools//tools/build_defs/repo:utils.bzl", "maybe")
load("//third_party:system_library.bzl", "system_library")

def repo():
    maybe(
        system_library,
        name = "nlohmann_json",
        apt_package = "nlohmann-json3-dev",
        build_file = Label("//third_party/nlohmann_json:nlohmann_json.BUILD.tpl"),
        libraries = [],
        min_version = "3.9",
        pkg_config = "nlohmann_json",
        prefix_env = "NLOHMANN_JSON_PREFIX",
        probe_headers = ["include/nlohmann/json.hpp"],
        title = "JSON for Modern C++",
    )
