"""Stand-ins for the repositories that Bazel 4 downloads by itself.

Debian builds Bazel without its own copies of @rules_cc, @remote_coverage_tools
and friends, and this project must build without a network. On a Debian build
`native.bazel_version` is empty; released versions of Bazel bring or download
what they need, so nothing is defined for them.
"""

load("@bazel_tools//tools/build_defs/repo:utils.bzl", "maybe")

# Packages bazel-rules-java, bazel-rules-proto, bazel-platforms, bazel-skylib.
_DEBIAN_REPOSITORIES = {
    "bazel_skylib": "/usr/share/bazel/tools/skylib",
    "platforms": "/usr/share/bazel/platforms",
    "rules_java": "/usr/share/bazel/rules/java",
    "rules_proto": "/usr/share/bazel/rules/proto",
}

def _rules_cc_impl(ctx):
    # Debian's own package of rules_cc needs symbols that its Bazel 4.2.3 lacks.
    rules = ["cc_binary", "cc_import", "cc_library", "cc_test", "cc_toolchain", "cc_toolchain_suite"]
    ctx.file("WORKSPACE", "workspace(name = \"rules_cc\")\n")
    ctx.file("BUILD", "")
    ctx.file("cc/BUILD", "")
    ctx.file("cc/defs.bzl", "".join([
        "def {0}(**kwargs):\n    native.{0}(**kwargs)\n\n".format(rule)
        for rule in rules
    ]))

_rules_cc = repository_rule(
    implementation = _rules_cc_impl,
    doc = "The part of @rules_cc that toolchain files load, forwarding to the native rules.",
)

def _coverage_tools_impl(ctx):
    ctx.file("WORKSPACE", "workspace(name = \"remote_coverage_tools\")\n")
    ctx.file("BUILD", "".join([
        "filegroup(name = \"{}\", visibility = [\"//visibility:public\"])\n".format(name)
        for name in ["coverage_report_generator", "lcov_merger"]
    ]))

_coverage_tools = repository_rule(
    implementation = _coverage_tools_impl,
    doc = "Empty targets that every test rule names although only coverage runs use them.",
)

def bazel_shims():
    """Defines the stand-ins on Debian's build of Bazel, and nothing elsewhere."""
    if native.bazel_version != "":
        return
    maybe(_rules_cc, name = "rules_cc")
    maybe(_coverage_tools, name = "remote_coverage_tools")
    for name, path in _DEBIAN_REPOSITORIES.items():
        maybe(native.local_repository, name = name, path = path)
