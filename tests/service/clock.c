/* The clock of people as a test wants it: CLOCK_REALTIME with the seconds added that stand in the
 * file OFFSET names. The monotonic clock is left alone, as a step leaves it. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int clock_gettime(clockid_t clock, struct timespec *time) {
    int result = (int)syscall(SYS_clock_gettime, clock, time);
    const char *path = getenv("OFFSET");
    FILE *file = clock == CLOCK_REALTIME && path ? fopen(path, "r") : NULL;
    double offset = 0;
    if (file) {
        if (fscanf(file, "%lf", &offset) != 1)
            offset = 0;
        fclose(file);
    }
    long long nanos = (long long)(offset * 1e9) + time->tv_nsec;
    time->tv_sec += nanos / 1000000000;
    time->tv_nsec = nanos % 1000000000;
    if (time->tv_nsec < 0) {
        time->tv_nsec += 1000000000;
        time->tv_sec -= 1;
    }
    return result;
}
