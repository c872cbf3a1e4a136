/* Writes the frames of the messages that it reads, for the tests: two hexadecimal digits a byte, a word a field.
 *
 *     hello SEQUENCE BOOT NAME FIRMWARE       (a name is a - followed by hexadecimal digits)
 *     report SEQUENCE UNIT TIME COUNT [KIND RSSI AGE -BODY]...
 */
#include "localizer_report.h"

#include <stdio.h>
#include <string.h>

static char word[1024];
static uint8_t bytes[512];
static uint8_t message[LR_MESSAGE_SIZE];
static uint8_t frame[LR_FRAME_SIZE];

static long number(void)
{
    long value = 0;
    return (scanf("%ld", &value) == 1) ? value : 0;
}

static size_t hex(uint8_t *into)
{
    size_t size = 0U;
    unsigned int byte = 0U;
    const char *at = &word[1];

    if (scanf("%1023s", word) != 1)
    {
        return 0U;
    }
    while (sscanf(at, "%2x", &byte) == 1)
    {
        into[size] = (uint8_t)byte;
        size++;
        at += 2;
    }
    into[size] = 0U;
    return size;
}

static lr_status_t hello(size_t *size)
{
    static uint8_t name[512];
    static uint8_t firmware[512];
    const uint16_t sequence = (uint16_t)number();
    const uint32_t boot = (uint32_t)number();

    (void)hex(name);
    (void)hex(firmware);
    return lr_hello(sequence, boot, (const char *)name, (const char *)firmware, frame, sizeof frame, size);
}

static lr_status_t report(size_t *size)
{
    lr_report_t one;
    const uint16_t sequence = (uint16_t)number();
    const lr_unit_t unit = (number() == 1) ? LR_MICROSECONDS : LR_MILLISECONDS;
    const uint32_t time = (uint32_t)number();
    long count = number();
    lr_status_t status = lr_report_begin(&one, message, sizeof message);

    for (; count > 0; count--)
    {
        const lr_kind_t kind = (lr_kind_t)number();
        const int8_t rssi_dbm = (int8_t)number();
        const uint16_t age_ms = (uint16_t)number();
        const size_t body_size = hex(bytes);
        const lr_status_t added = lr_report_add(&one, kind, rssi_dbm, age_ms, bytes, body_size);

        status = (status == LR_OK) ? added : status;
    }
    return (status == LR_OK) ? lr_report_finish(&one, sequence, unit, time, frame, sizeof frame, size) : status;
}

int main(void)
{
    while (scanf("%1023s", word) == 1)
    {
        size_t size = 0U;
        size_t i;
        const lr_status_t status = (strcmp(word, "hello") == 0) ? hello(&size) : report(&size);

        printf("%d ", (int)status);
        for (i = 0U; i < size; i++)
        {
            printf("%02x", frame[i]);
        }
        printf("\n");
        (void)fflush(stdout);
    }
    return 0;
}
