/* The page at "/": the report of the process as it is now. */
#include <stdlib.h>

#include "common/xalloc.h"
#include "html/report.h"
#include "profiles/profile.h"
#include "serve.h"
#include "stacks/stacks.h"

void serve_report_write(FILE *to, void *with) {
    char *data;
    size_t count;
    const struct serve_job *job = with;
    serve_target_sample(job->process);
    struct profile *profile = profile_request_all(job->process);
    struct stacks *stacks = stacks_open();
    stacks_add(stacks, profile);
    FILE *columns = xopen_memstream(&data, &count);
    report_data_write(columns, stacks, &profile, 1);
    xclose_memstream(columns);
    report_page_write(to, data, count);
    free(data);
}
