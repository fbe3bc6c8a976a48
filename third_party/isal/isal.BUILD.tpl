package(default_visibility = ["//visibility:public"])

cc_library(
    name = "isal",
    hdrs = glob(%{hdrs}),
    defines = ["FCAM_ISAL_VERSION=%{version_number}"],
    includes = %{includes},
    linkopts = %{linkopts},
)
