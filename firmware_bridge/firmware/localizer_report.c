/*
 * Messages from a Bluetooth scanner to Localizer; see localizer_report.h and PROTOCOL.md.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "localizer_report.h"

#define TYPE_HELLO 1U
#define TYPE_REPORT 2U

#define HEADER_SIZE 4U
#define REPORT_HEADER_SIZE 10U
#define PACKET_HEADER_SIZE 5U
#define HELLO_MAX (HEADER_SIZE + 4U + (2U * (1U + LR_TEXT_MAX)))
#define CRC_SIZE 2U
#define BODY_MAX 255U

#define COBS_RUN_MAX 254U

static void put_u16(uint8_t *at, uint16_t value)
{
    at[0] = (uint8_t)(value & 0xFFU);
    at[1] = (uint8_t)(value >> 8U);
}

static void put_u32(uint8_t *at, uint32_t value)
{
    put_u16(&at[0], (uint16_t)(value & 0xFFFFU));
    put_u16(&at[2], (uint16_t)(value >> 16U));
}

static void put_header(uint8_t *message, uint8_t type, uint16_t sequence)
{
    message[0] = (uint8_t)LR_VERSION;
    message[1] = type;
    put_u16(&message[2], sequence);
}

uint16_t lr_crc16(const uint8_t *data, size_t size)
{
    uint16_t crc = 0xFFFFU;
    size_t i;
    uint8_t bit;

    for (i = 0U; i < size; i++)
    {
        crc = (uint16_t)(crc ^ (uint16_t)((uint16_t)data[i] << 8U));
        for (bit = 0U; bit < 8U; bit++)
        {
            const uint16_t shifted = (uint16_t)((uint32_t)crc << 1U);
            crc = ((crc & 0x8000U) != 0U) ? (uint16_t)(shifted ^ 0x1021U) : shifted;
        }
    }
    return crc;
}

/* Consistent Overhead Byte Stuffing, and the zero that ends a frame. The frame must have room. */
static size_t stuff(const uint8_t *data, size_t size, uint8_t *frame)
{
    size_t code_at = 0U;
    size_t at = 1U;
    uint8_t code = 1U;
    size_t i;

    for (i = 0U; i < size; i++)
    {
        if (data[i] != 0U)
        {
            frame[at] = data[i];
            at++;
            code++;
        }
        /* A full run implies no zero: at the end of the data nothing need follow it. */
        if ((data[i] == 0U) || ((code == (COBS_RUN_MAX + 1U)) && ((i + 1U) < size)))
        {
            frame[code_at] = code;
            code_at = at;
            at++;
            code = 1U;
        }
    }
    frame[code_at] = code;
    frame[at] = 0U;
    return at + 1U;
}

/* Write checksum, stuffing and zero around a message whose buffer has room for the checksum. */
static lr_status_t finish(uint8_t *message, size_t size, uint8_t *frame, size_t capacity, size_t *frame_size)
{
    lr_status_t status = LR_FULL;

    if (capacity >= LR_FRAME_SIZE_OF(size + CRC_SIZE))
    {
        put_u16(&message[size], lr_crc16(message, size));
        *frame_size = stuff(message, size + CRC_SIZE, frame);
        status = LR_OK;
    }
    return status;
}

static int has_size(lr_kind_t kind, size_t body_size)
{
    int right = 0;

    switch (kind)
    {
        case LR_IBEACON:
        case LR_ALTBEACON:
            right = (body_size == 21U) ? 1 : 0;
            break;
        case LR_EDDYSTONE_UID:
            right = (body_size == 17U) ? 1 : 0;
            break;
        case LR_RAW:
            right = (body_size <= BODY_MAX) ? 1 : 0;
            break;
        default:
            right = 0;
            break;
    }
    return right;
}

lr_status_t lr_report_begin(lr_report_t *report, uint8_t *message, size_t capacity)
{
    lr_status_t status = LR_INVALID;

    if ((report != NULL) && (message != NULL))
    {
        status = LR_FULL;
        if (capacity >= (REPORT_HEADER_SIZE + CRC_SIZE))
        {
            report->message = message;
            report->capacity = (capacity < LR_MESSAGE_SIZE) ? capacity : LR_MESSAGE_SIZE;
            report->size = REPORT_HEADER_SIZE;
            report->packets = 0U;
            status = LR_OK;
        }
    }
    return status;
}

lr_status_t lr_report_add(lr_report_t *report, lr_kind_t kind, int8_t rssi_dbm, uint16_t age_ms,
                          const uint8_t *body, size_t body_size)
{
    lr_status_t status = LR_INVALID;

    if ((report != NULL) && ((body != NULL) || (body_size == 0U)) && (has_size(kind, body_size) != 0))
    {
        const size_t needed = PACKET_HEADER_SIZE + body_size + CRC_SIZE;

        status = LR_FULL;
        if ((report->packets < LR_PACKETS_MAX) && ((report->capacity - report->size) >= needed))
        {
            uint8_t *at = &report->message[report->size];
            size_t i;

            at[0] = (uint8_t)kind;
            at[1] = (uint8_t)rssi_dbm;
            put_u16(&at[2], age_ms);
            at[4] = (uint8_t)body_size;
            for (i = 0U; i < body_size; i++)
            {
                at[PACKET_HEADER_SIZE + i] = body[i];
            }
            report->size += PACKET_HEADER_SIZE + body_size;
            report->packets++;
            status = LR_OK;
        }
    }
    return status;
}

uint8_t lr_report_packets(const lr_report_t *report)
{
    return (report != NULL) ? report->packets : 0U;
}

lr_status_t lr_report_finish(lr_report_t *report, uint16_t sequence, lr_unit_t unit, uint32_t time,
                             uint8_t *frame, size_t capacity, size_t *frame_size)
{
    lr_status_t status = LR_INVALID;

    if ((report != NULL) && (frame != NULL) && (frame_size != NULL))
    {
        put_header(report->message, (uint8_t)TYPE_REPORT, sequence);
        report->message[4] = (unit == LR_MICROSECONDS) ? 1U : 0U;
        put_u32(&report->message[5], time);
        report->message[9] = report->packets;
        status = finish(report->message, report->size, frame, capacity, frame_size);
    }
    return status;
}

/* Write a text behind its length and return where the next byte goes; 0 for one that is too long. */
static size_t put_text(uint8_t *message, size_t at, const char *text)
{
    size_t size = 0U;

    while ((size <= LR_TEXT_MAX) && (text[size] != '\0'))
    {
        if (size < LR_TEXT_MAX)
        {
            message[at + 1U + size] = (uint8_t)text[size];
        }
        size++;
    }
    message[at] = (uint8_t)size;
    return (size <= LR_TEXT_MAX) ? (at + 1U + size) : 0U;
}

lr_status_t lr_hello(uint16_t sequence, uint32_t boot, const char *name, const char *firmware,
                     uint8_t *frame, size_t capacity, size_t *frame_size)
{
    lr_status_t status = LR_INVALID;

    if ((name != NULL) && (firmware != NULL) && (frame != NULL) && (frame_size != NULL))
    {
        uint8_t message[HELLO_MAX + CRC_SIZE];
        size_t at;

        put_header(message, (uint8_t)TYPE_HELLO, sequence);
        put_u32(&message[HEADER_SIZE], boot);
        at = put_text(message, HEADER_SIZE + 4U, name);
        if (at != 0U)
        {
            at = put_text(message, at, firmware);
        }
        if (at != 0U)
        {
            status = finish(message, at, frame, capacity, frame_size);
        }
    }
    return status;
}
