/* SPDX-License-Identifier: MIT */
/* Lines between programs that are compared: what was read is printed, and read back as the same. */
#include "tests/fuzz/fuzz.h"
#include "tuner/protocol.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct dt_message message, again;
    static char line[DT_PROTOCOL_LINE], second[DT_PROTOCOL_LINE];
    struct dt_error error = {0};
    enum dt_status status = dt_message_parse((const char *)data, size, &message, &error);
    if (status) {
        fuzz_require(status == DT_INVALID);
        fuzz_require_error(status, &error);
        return 0;
    }
    const size_t length = dt_message_print(&message, line);
    fuzz_require(length > 0 && line[length - 1] == '\n');
    fuzz_require(!dt_message_parse(line, length - 1, &again, NULL) && again.say == message.say);
    fuzz_require(dt_message_print(&again, second) == length && memcmp(line, second, length) == 0);
    return 0;
}
