"""yaml-cpp, as installed on this machine."""

load("@bazel_tools//tools/build_defs/repo:utils.bzl", "maybe")
load("//third_party:system_library.bzl", "system_library")

def repo():
    maybe(
        system_library,
        name = "com_github_jbeder_yaml_cpp",
        apt_package = "libyaml-cpp-dev",
        build_file = Label("//third_party/yaml_cpp:yaml_cpp.BUILD.tpl"),
        libraries = ["yaml-cpp"],
        min_version = "0.6.3",
        pkg_config = "yaml-cpp",
        prefix_env = "YAML_CPP_PREFIX",
        probe_headers = ["include/yaml-cpp/yaml.h"],
        title = "yaml-cpp",
    )
