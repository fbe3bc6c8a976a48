"""A repository made of a library that is installed on this machine.

The rule finds the installation, reads its version, and writes a BUILD file
from a template. When it cannot, it fails with three parts: what is missing,
where it looked, and how to fix it.

A prefix on the compiler's own search path (/usr) declares no headers: listing
thousands of files would only slow every sandbox down. Because such headers are
no inputs of an action, the version found is put into `defines`, so that an
upgrade of the library rebuilds what uses it.

Environment read: the variable named by `prefix_env` (a prefix that holds
include/ and lib/), PKG_CONFIG_PATH where `pkg_config` is used.
"""

_SYSTEM_PREFIX = "/usr"

def _label_of(ctx):
    return "@{} needs {} (>= {})".format(ctx.name, ctx.attr.title, ctx.attr.min_version)

def _how_to_fix(ctx):
    lines = [
        "To fix it, either",
        "  * install it:      sudo apt-get install {}".format(ctx.attr.apt_package),
    ]
    if ctx.attr.prefix_env:
        lines.append("  * or point to it:  bazel build --repo_env={}=/path/to/prefix ...".format(ctx.attr.prefix_env))
    return lines

def find_prefix(ctx):
    """Returns the first prefix that holds all probe headers, or fails."""
    override = ctx.os.environ.get(ctx.attr.prefix_env, "") if ctx.attr.prefix_env else ""
    tried = []
    for prefix in [override] if override else ctx.attr.prefixes:
        missing = [h for h in ctx.attr.probe_headers if not ctx.path(prefix + "/" + h).exists]
        if not missing:
            return prefix
        tried.append("  {}: no {}".format(prefix, ", ".join(missing)))
    fail("\n".join(
        ["", _label_of(ctx) + ", and it was not found.", "Looked in:"] + tried + _how_to_fix(ctx),
    ))

def _version_numbers(text):
    numbers = []
    for part in text.split("."):
        digits = ""
        for c in part.elems():
            if not c.isdigit():
                break
            digits += c
        if not digits:
            break
        numbers.append(int(digits))
    return numbers

def version_at_least(found, wanted):
    """True if version text `found` is `wanted` or newer."""
    a = _version_numbers(found)
    b = _version_numbers(wanted)
    for i in range(max(len(a), len(b))):
        x = a[i] if i < len(a) else 0
        y = b[i] if i < len(b) else 0
        if x != y:
            return x > y
    return True

def version_number(version):
    """Returns 11301 for "1.13.1": what `defines` carries."""
    numbers = (_version_numbers(version) + [0, 0, 0])[:3]
    return str(numbers[0] * 10000 + numbers[1] * 100 + numbers[2])

def _version_from_header(ctx, prefix, header):
    path = prefix + "/" + header
    text = ctx.read(path)
    parts = []
    for macro in ctx.attr.version_macros:
        for line in text.split("\n"):
            words = [w for w in line.replace("\t", " ").split(" ") if w]
            if len(words) >= 3 and words[0] == "#define" and words[1] == macro:
                parts.append(words[2].strip("\""))
                break
    return ".".join(parts), path

def _version_from_pkg_config(ctx):
    tool = ctx.which("pkg-config")
    if not tool:
        fail("\n".join([
            "",
            _label_of(ctx) + ": pkg-config, which tells its version, was not found.",
            "Looked in:",
            "  PATH: no pkg-config",
            "To fix it:",
            "  * install it:      sudo apt-get install pkg-config",
        ]))
    result = ctx.execute([tool, "--modversion", ctx.attr.pkg_config])
    return result.stdout.strip(), "pkg-config " + ctx.attr.pkg_config

def find_version(ctx, prefix, version_header = None):
    """Reads the installed version and fails if it is missing or too old.

    Args:
      ctx: of the repository rule.
      prefix: where the library is.
      version_header: in place of the attribute of the name.

    Returns:
      The version, such as "1.13.1".
    """
    version_header = version_header or ctx.attr.version_header
    if version_header:
        version, source = _version_from_header(ctx, prefix, version_header)
    elif not ctx.attr.pkg_config:
        return ctx.attr.min_version  # The library does not tell its version.
    else:
        version, source = _version_from_pkg_config(ctx)
    if not version:
        fail("\n".join(["", _label_of(ctx) + ", but its version could not be read.", "Looked in:", "  " + source] + _how_to_fix(ctx)))
    if not version_at_least(version, ctx.attr.min_version):
        fail("\n".join(["", _label_of(ctx) + ", and the one found is too old.", "Looked in:", "  {}: found {}".format(source, version)] + _how_to_fix(ctx)))
    return version

def link_options(ctx, prefix, libraries):
    """Linker options for shared `libraries` of `prefix`."""
    options = []
    if prefix != _SYSTEM_PREFIX:
        options += ["-L{}/lib".format(prefix), "-Wl,-rpath,{}/lib".format(prefix)]
    return options + ["-l" + library for library in libraries]

def write_build_file(ctx, prefix, version, linkopts, extra = {}):
    """Links the include folders that need it and writes the BUILD file."""
    include_dirs = []
    for source, target in ctx.attr.include_links.items():
        ctx.symlink(prefix + "/" + source, target)
        include_dirs.append(target)
    if prefix != _SYSTEM_PREFIX:
        ctx.symlink(prefix + "/include", "include")
        include_dirs.append("include")
    substitutions = {
        "%{linkopts}": repr(linkopts),
        "%{includes}": repr(include_dirs),
        "%{hdrs}": repr([d + "/**" for d in include_dirs]),
        "%{version_number}": version_number(version),
    }
    substitutions.update(extra)
    ctx.template("BUILD", ctx.attr.build_file, substitutions)

def _impl(ctx):
    prefix = find_prefix(ctx)
    version = find_version(ctx, prefix)
    write_build_file(ctx, prefix, version, link_options(ctx, prefix, ctx.attr.libraries))

SYSTEM_LIBRARY_ATTRS = {
    "title": attr.string(mandatory = True, doc = "The library's name in messages."),
    "min_version": attr.string(mandatory = True),
    "version_header": attr.string(doc = "Header, relative to the prefix, with the version macros."),
    "version_macros": attr.string_list(doc = "Macros whose values, joined by dots, are the version."),
    "pkg_config": attr.string(doc = "pkg-config module to ask for the version where no header tells it."),
    "apt_package": attr.string(mandatory = True),
    "prefix_env": attr.string(doc = "Environment variable that overrides the search."),
    "prefixes": attr.string_list(default = [_SYSTEM_PREFIX, "/usr/local"]),
    "probe_headers": attr.string_list(mandatory = True, doc = "Headers, relative to the prefix, that prove the library is there."),
    "include_links": attr.string_dict(doc = "Include folders that are not on the compiler's path: folder under the prefix -> name here."),
    "libraries": attr.string_list(doc = "Shared libraries to link."),
    "build_file": attr.label(mandatory = True, allow_single_file = True),
}

PREFIX_VARIABLES = [
    "ABSEIL_PREFIX",
    "BENCHMARK_PREFIX",
    "GFLAGS_PREFIX",
    "GLOG_PREFIX",
    "GTEST_PREFIX",
    "HIGHWAY_PREFIX",
    "ISAL_PREFIX",
    "LIBTORCH_PREFIX",
    "MUSTACHE_PREFIX",
    "NLOHMANN_JSON_PREFIX",
    "OPENCV_PREFIX",
    "PKG_CONFIG_PATH",
    "PROTOBUF_PREFIX",
    "PUGIXML_PREFIX",
    "YAML_CPP_PREFIX",
    "ZLIB_PREFIX",
]

system_library = repository_rule(
    implementation = _impl,
    attrs = SYSTEM_LIBRARY_ATTRS,
    configure = True,
    doc = "A library installed on this machine, as a repository.",
    environ = PREFIX_VARIABLES,
    local = True,
)
