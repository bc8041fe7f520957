/* Words of sknoise's generator in the order that generator.py asks for, in a file: written to
   stdout, or put through a battery of TestU01. Arguments: the file of the stream, and for a battery
   where to write p-values, then "smallcrush", or "crush" and 1 or 0 for each of its tests. */

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { KEY, ROW, STEP, SITE, UNIT, N_AXES };

static struct {
    uint64_t rounds, diagonal, start, order[N_AXES], size[N_AXES];
} stream;
static uint64_t *values[N_AXES];
static uint64_t at[N_AXES]; /* where the stream stands on each axis */
static uint32_t block[4];
static int stale = 1;

static void must(int ok, const char *what)
{
    if (!ok) {
        fprintf(stderr, "generator: cannot %s\n", what);
        exit(1);
    }
}

static void open_stream(const char *path)
{
    FILE *file = fopen(path, "rb");
    must(file && fread(&stream, sizeof stream, 1, file) == 1, "read the stream");
    for (int axis = 0; axis < N_AXES; axis++) {
        uint64_t n = stream.size[axis];
        values[axis] = malloc(n * sizeof **values);
        must(values[axis] && fread(values[axis], sizeof **values, n, file) == n, "read an axis");
    }
    fclose(file);
    uint64_t rest = stream.start;
    for (int i = 0; i < N_AXES; i++) {
        int axis = stream.order[i];
        at[axis] = (stream.diagonal ? stream.start : rest) % stream.size[axis];
        rest /= stream.size[axis];
    }
}

/* Philox-4x32 of Salmon et al. (2011). */
static void encrypt(void)
{
    uint64_t key = values[KEY][at[KEY]], row = values[ROW][at[ROW]];
    uint32_t k0 = key, k1 = key >> 32;
    uint32_t c0 = row, c1 = row >> 32, c2 = values[STEP][at[STEP]];
    uint32_t c3 = values[SITE][at[SITE]] + (values[UNIT][at[UNIT]] >> 2);
    for (uint64_t i = 0; i < stream.rounds; i++) {
        uint64_t p0 = (uint64_t)0xD2511F53 * c0, p1 = (uint64_t)0xCD9E8D57 * c2;
        c0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0;
        c1 = p1;
        c2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
        c3 = p0;
        k0 += 0x9E3779B9;
        k1 += 0xBB67AE85;
    }
    block[0] = c0, block[1] = c1, block[2] = c2, block[3] = c3;
}

static unsigned int next_word(void)
{
    if (stale)
        encrypt();
    uint64_t unit = values[UNIT][at[UNIT]];
    uint32_t word = block[unit & 3];
    if (stream.diagonal) {
        for (int axis = 0; axis < N_AXES; axis++)
            if (++at[axis] == stream.size[axis])
                at[axis] = 0;
        stale = 1;
        return word;
    }
    int i = 0;
    while (i < N_AXES && ++at[stream.order[i]] == stream.size[stream.order[i]])
        at[stream.order[i++]] = 0;
    /* Four units share a block. */
    stale = i > 0 || stream.order[0] != UNIT || values[UNIT][at[UNIT]] >> 2 != unit >> 2;
    return word;
}

#ifdef TESTU01
#include <string.h>

#include "bbattery.h"
#include "swrite.h"
#include "unif01.h"

static void battery(int argc, char **argv)
{
    static int repeat[1 + 200];
    unif01_Gen *gen = unif01_CreateExternGenBits("sknoise", next_word);
    swrite_Basic = FALSE;
    FILE *results = fopen(argv[2], "w");
    must(results != NULL, "write results");
    if (!strcmp(argv[3], "smallcrush"))
        bbattery_SmallCrush(gen);
    else {
        for (int i = 4; i < argc; i++)
            repeat[i - 3] = atoi(argv[i]);
        bbattery_RepeatCrush(gen, repeat);
    }
    for (int i = 0; i < bbattery_NTests; i++)
        if (bbattery_pVal[i] >= 0)
            fprintf(results, "%.17g %s\n", bbattery_pVal[i], bbattery_TestNames[i]);
    fclose(results);
}
#endif

int main(int argc, char **argv)
{
    must(argc > 1, "do without a stream");
    open_stream(argv[1]);
#ifdef TESTU01
    battery(argc, argv);
#else
    static uint32_t words[1 << 14];
    do
        for (size_t i = 0; i < 1 << 14; i++)
            words[i] = next_word();
    while (fwrite(words, sizeof words, 1, stdout) == 1);
#endif
    return 0;
}
