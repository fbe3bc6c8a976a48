package(default_visibility = ["//visibility:public"])

cc_library(
    name = "hwy",
    hdrs = glob(%{hdrs}),
    defines = ["FCAM_HIGHWAY_VERSION=%{version_number}"],
    includes = %{includes},
    linkopts = %{linkopts},
)
