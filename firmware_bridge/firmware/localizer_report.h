/*
 * Messages from a Bluetooth scanner to Localizer over a serial line: hello and scan report.
 * The format is described in PROTOCOL.md, version 1. Copy this file and localizer_report.c into your firmware.
 *
 * C99, freestanding: no allocation, no recursion, no globals, no library. All memory is the caller's.
 *
 *     static uint8_t message[LR_MESSAGE_SIZE];
 *     static uint8_t frame[LR_FRAME_SIZE];
 *     lr_report_t report;
 *     size_t size = 0U;
 *
 *     (void)lr_report_begin(&report, message, sizeof message);
 *     (void)lr_report_add(&report, LR_IBEACON, rssi, age_ms, &advertising_data[9], 21U);
 *     if (lr_report_finish(&report, sequence, LR_MILLISECONDS, now_ms, frame, sizeof frame, &size) == LR_OK)
 *     {
 *         uart_write(frame, size);
 *         sequence++;
 *     }
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef LOCALIZER_REPORT_H
#define LOCALIZER_REPORT_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Version of the protocol, the first byte of every message. */
#define LR_VERSION 1U

/** Bytes of a message at most, without checksum. */
#define LR_MESSAGE_MAX 1024U

/** Bytes of a buffer that holds the longest message and its checksum. */
#define LR_MESSAGE_SIZE (LR_MESSAGE_MAX + 2U)

/** Bytes of a frame at most for a message (with checksum) of so many bytes. */
#define LR_FRAME_SIZE_OF(size) ((size) + ((size) / 254U) + 2U)

/** Bytes of a buffer that holds the longest frame. */
#define LR_FRAME_SIZE LR_FRAME_SIZE_OF(LR_MESSAGE_SIZE)

/** Bytes of a name at most. */
#define LR_TEXT_MAX 32U

/** Packets of a report at most. */
#define LR_PACKETS_MAX 255U

/** What came of a call. Anything but LR_OK has changed nothing that will be sent. */
typedef enum
{
    LR_OK = 0,
    LR_FULL = 1,    /**< it does not fit: finish the report and begin another */
    LR_INVALID = 2  /**< a null pointer, a size that the kind does not have, a name that is too long */
} lr_status_t;

/** What the body of a packet is. */
typedef enum
{
    LR_IBEACON = 1,        /**< 21 bytes as in the air: UUID (16), major (2), minor (2), measured power (1) */
    LR_EDDYSTONE_UID = 2,  /**< 17 bytes as in the air: power at 0 m (1), namespace (10), instance (6) */
    LR_ALTBEACON = 3,      /**< 21 bytes as in the air: id (20), reference RSSI (1) */
    LR_RAW = 4             /**< the advertising data whole, up to 255 bytes */
} lr_kind_t;

/** What a report's time counts. */
typedef enum
{
    LR_MILLISECONDS = 0,
    LR_MICROSECONDS = 1
} lr_unit_t;

/** A report that is being written. Its fields are private. */
typedef struct
{
    uint8_t *message;
    size_t capacity;
    size_t size;
    uint8_t packets;
} lr_report_t;

/**
 * Begin a report.
 *
 * @param report   what is begun; needs no initialisation
 * @param message  memory for the message, in use until lr_report_finish
 * @param capacity its bytes; LR_MESSAGE_SIZE is enough for every report
 */
lr_status_t lr_report_begin(lr_report_t *report, uint8_t *message, size_t capacity);

/**
 * Add a packet.
 *
 * @param report    as begun
 * @param kind      what the body is
 * @param rssi_dbm  as the radio gave it
 * @param age_ms    how long ago it was heard, counted at lr_report_finish; at most 65535
 * @param body      its bytes
 * @param body_size how many
 */
lr_status_t lr_report_add(lr_report_t *report, lr_kind_t kind, int8_t rssi_dbm, uint16_t age_ms,
                          const uint8_t *body, size_t body_size);

/** Return how many packets the report holds. */
uint8_t lr_report_packets(const lr_report_t *report);

/**
 * Close a report and write its frame. The report may be begun anew afterwards.
 *
 * @param report     as begun
 * @param sequence   one more than in the message before, of whatever type; starts again after 65535
 * @param unit       what the time counts
 * @param time       the device's clock now; starts again after 4294967295
 * @param frame      where the frame goes
 * @param capacity   bytes there; LR_FRAME_SIZE is enough for every frame
 * @param frame_size how many were written, with the zero at the end
 */
lr_status_t lr_report_finish(lr_report_t *report, uint16_t sequence, lr_unit_t unit, uint32_t time,
                             uint8_t *frame, size_t capacity, size_t *frame_size);

/**
 * Write the frame of a hello. Send one at the start and every 10 s.
 *
 * @param sequence   as in lr_report_finish
 * @param boot       another number after every start: a counter that is kept, or a random one
 * @param name       the receiver's name: lower-case ASCII letters, digits, '.', '_', '-'; zero-terminated
 * @param firmware   what runs on it, with its version; ASCII, zero-terminated
 * @param frame      where the frame goes
 * @param capacity   bytes there; LR_FRAME_SIZE is enough
 * @param frame_size how many were written, with the zero at the end
 */
lr_status_t lr_hello(uint16_t sequence, uint32_t boot, const char *name, const char *firmware,
                     uint8_t *frame, size_t capacity, size_t *frame_size);

/** Return the CRC-16/IBM-3740 of `size` bytes: polynomial 0x1021, start 0xFFFF; of "123456789" it is 0x29B1. */
uint16_t lr_crc16(const uint8_t *data, size_t size);

#ifdef __cplusplus
}
#endif

#endif /* LOCALIZER_REPORT_H */
