/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A text as a QR code, as a picture: how a seed gets from the screen into a telephone.
 */
#ifndef SVC_IAM_QR_H
#define SVC_IAM_QR_H

#include "base/base.h"

/*
 * A PNG in grey: black modules of four pixels on white, with the quiet zone of four modules that ISO/IEC 18004 asks
 * for. E_TOO_BIG: more text than a QR code can hold (2,331 bytes). What is ours of the memory is wiped by whoever wipes
 * `mem`; the two libraries' own is freed unwiped, and stays in the process.
 */
struct status qr_png(struct arena *mem, struct str text, struct str *png);

#endif
