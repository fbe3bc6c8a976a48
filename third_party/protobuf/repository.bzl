"""Protocol buffers' runtime library, as installed on this machine.

Only the wire format is used (google/protobuf/io); there is no compiler for
.proto files. It is libprotobuf and not libprotobuf-lite, which would do,
because Debian's LibTorch loads libprotobuf: two libraries with the same symbols
in one process each initialise what is one object.
"""

load("@bazel_tools//tools/build_defs/repo:utils.bzl", "maybe")
load("//third_party:system_library.bzl", "system_library")

def repo():
    maybe(
        system_library,
        name = "com_google_protobuf",
        apt_package = "libprotobuf-dev",
        build_file = Label("//third_party/protobuf:protobuf.BUILD.tpl"),
        libraries = ["protobuf"],
        min_version = "3.12",
        pkg_config = "protobuf",
        prefix_env = "PROTOBUF_PREFIX",
        probe_headers = ["include/google/protobuf/io/coded_stream.h"],
        title = "protobuf",
    )
