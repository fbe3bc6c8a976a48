package(default_visibility = ["//visibility:public"])

cc_library(
    name = "zlib",
    hdrs = glob(%{hdrs}),
    defines = ["FCAM_ZLIB_VERSION=%{version_number}"],
    includes = %{includes},
    linkopts = %{linkopts},
)
