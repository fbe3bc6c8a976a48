// The text of report.mustache and report.css, put into the program at build
// time so that it needs no files when it runs.

#ifndef WSOL_REPORT_REPORT_TEMPLATE_H_
#define WSOL_REPORT_REPORT_TEMPLATE_H_

namespace wsol {
namespace internal {

extern const char kReportTemplate[];
extern const char kReportStyle[];

}  // namespace internal
}  // namespace wsol

#endif  // WSOL_REPORT_REPORT_TEMPLATE_H_
