"""Abseil, as installed on this machine, under the labels of its own Bazel build."""

load("@bazel_tools//tools/build_defs/repo:utils.bzl", "maybe")
load(
    "//third_party:system_library.bzl",
    "PREFIX_VARIABLES",
    "SYSTEM_LIBRARY_ATTRS",
    "find_prefix",
    "find_version",
    "write_build_file",
)

# Package -> target -> pkg-config module; "" for what is header-only.
_TARGETS = {
    "absl/algorithm": {"container": ""},
    "absl/base": {"core_headers": ""},
    "absl/container": {"flat_hash_map": "absl_flat_hash_map", "flat_hash_set": "absl_flat_hash_set", "inlined_vector": ""},
    "absl/functional": {"function_ref": ""},
    "absl/status": {"status": "absl_status", "statusor": "absl_statusor"},
    "absl/strings": {"str_format": "absl_str_format", "strings": "absl_strings"},
    "absl/synchronization": {"synchronization": "absl_synchronization"},
    "absl/time": {"time": "absl_time"},
    "absl/types": {"span": ""},
}

def _library(ctx, name, module):
    linkopts = []
    if module:
        result = ctx.execute([ctx.which("pkg-config"), "--libs", module])
        if result.return_code != 0:
            fail("\n@{}: pkg-config does not know {}:\n{}".format(ctx.name, module, result.stderr))
        linkopts = [o for o in result.stdout.strip().split(" ") if o]
    return "\n".join([
        "cc_library(",
        "    name = {},".format(repr(name)),
        "    linkopts = {},".format(repr(linkopts)),
        "    deps = [\"@{}//:headers\"],".format(ctx.name),
        ")",
        "",
    ])

def _impl(ctx):
    prefix = find_prefix(ctx)
    version = find_version(ctx, prefix)
    write_build_file(ctx, prefix, version, [])
    for package, targets in _TARGETS.items():
        ctx.file(package + "/BUILD", "\n".join(
            ["package(default_visibility = [\"//visibility:public\"])", ""] +
            [_library(ctx, name, module) for name, module in targets.items()],
        ))

_abseil = repository_rule(
    implementation = _impl,
    attrs = SYSTEM_LIBRARY_ATTRS,
    configure = True,
    environ = PREFIX_VARIABLES,
    local = True,
)

def repo():
    maybe(
        _abseil,
        name = "com_google_absl",
        apt_package = "libabsl-dev",
        build_file = Label("//third_party/abseil:abseil.BUILD.tpl"),
        min_version = "20220623",
        pkg_config = "absl_base",
        prefix_env = "ABSEIL_PREFIX",
        probe_headers = ["include/absl/status/statusor.h"],
        title = "Abseil",
    )
