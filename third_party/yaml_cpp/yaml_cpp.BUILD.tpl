package(default_visibility = ["//visibility:public"])

cc_library(
    name = "yaml-cpp",
    hdrs = glob(%{hdrs}),
    defines = ["FCAM_YAML_CPP_VERSION=%{version_number}"],
    includes = %{includes},
    linkopts = %{linkopts},
)
