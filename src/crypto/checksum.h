/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The checksums S3 names: CRC32 (IEEE 802.3), CRC32C (Castagnoli), CRC64NVME (NVM
 * Express, reflected). Against accidents only, never against forgers.
 *
 * Each takes the checksum of what came before (0 at the start) and returns that of
 * the whole; there is no state but the number:
 *
 *     uint32_t crc = 0;
 *     crc = crc32c_update(crc, part);
 *
 * On the wire S3 sends them big-endian in base64. Check values over "123456789":
 * CRC32 cbf43926, CRC32C e3069283, CRC64NVME ae8b14860a799888.
 */
#ifndef CRYPTO_CHECKSUM_H
#define CRYPTO_CHECKSUM_H

#include "base/base.h"

uint32_t crc32_update(uint32_t crc, struct str s);
uint32_t crc32c_update(uint32_t crc, struct str s);
uint64_t crc64nvme_update(uint64_t crc, struct str s);

#endif
