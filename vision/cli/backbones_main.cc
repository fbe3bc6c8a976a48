// Prints the backbones there are: bazel run //vision:list_backbones.

#include <cstdio>

#include "vision/backbones/backbone_list.h"

int main(int argc, char** argv) {
  if (argc > 1) {
    std::fprintf(stderr, "error: unknown argument \"%s\", expected none\n",
                 argv[1]);
    return 1;
  }
  std::fputs(vision::FormatBackboneList().c_str(), stdout);
  return 0;
}
