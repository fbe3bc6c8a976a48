package(default_visibility = ["//visibility:public"])

cc_library(
    name = "headers",
    hdrs = glob(%{hdrs}),
    defines = ["FCAM_ABSEIL_VERSION=%{version_number}"],
    includes = %{includes},
)
