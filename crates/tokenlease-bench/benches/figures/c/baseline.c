/* The baseline for a cached token in C: a call into a library, an atomic load, two coarse clocks
 * compared, and a copy. */
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>
#include <time.h>

struct cached {
    long long monotonic, wall;
    size_t length;
    char text[256];
};

static struct cached one = {1LL << 62, 1LL << 62, 0, ""};
static _Atomic(struct cached *) current = &one;

static long long millis(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

void baseline_set(const char *text)
{
    one.length = strlen(text);
    memcpy(one.text, text, one.length + 1);
}

int baseline_copy(char *buffer, size_t capacity, size_t *length)
{
    const struct cached *cached = atomic_load_explicit(&current, memory_order_acquire);
    if (cached->length >= capacity || millis(CLOCK_MONOTONIC_COARSE) >= cached->monotonic
        || millis(CLOCK_REALTIME_COARSE) >= cached->wall) {
        return 1;
    }
    memcpy(buffer, cached->text, cached->length + 1);
    *length = cached->length;
    return 0;
}
