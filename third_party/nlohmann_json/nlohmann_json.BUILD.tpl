package(default_visibility = ["//visibility:public"])

cc_library(
    name = "json",
    hdrs = glob(%{hdrs}),
    defines = ["FCAM_NLOHMANN_JSON_VERSION=%{version_number}"],
    includes = %{includes},
    linkopts = %{linkopts},
)
