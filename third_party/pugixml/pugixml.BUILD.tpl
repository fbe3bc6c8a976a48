package(default_visibility = ["//visibility:public"])

cc_library(
    name = "pugixml",
    hdrs = glob(%{hdrs}),
    defines = ["FCAM_PUGIXML_VERSION=%{version_number}"],
    includes = %{includes},
    linkopts = %{linkopts},
)
