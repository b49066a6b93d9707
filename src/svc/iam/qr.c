/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Gray pixels, one byte each, drawn from libqrencode's modules and packed by libpng.
 */
#include "svc/iam/qr.h"

#include "base/str.h"

#include <png.h>
#include <qrencode.h>

enum { PIXELS = 4, QUIET = 4, WHITE = 255, BLACK = 0 };

/* One byte a pixel. */
static uint8_t *draw(struct arena *mem, const QRcode *code, size_t *side)
{
	size_t width = (size_t)code->width;
	*side = (width + 2 * QUIET) * PIXELS;
	uint8_t *pixels = NEWS(mem, uint8_t, *side * *side);
	memset(pixels, WHITE, *side * *side);
	for (size_t y = 0; y < width * PIXELS; y++)
		for (size_t x = 0; x < width * PIXELS; x++)
			if (code->data[y / PIXELS * width + x / PIXELS] & 1)
				pixels[(y + QUIET * PIXELS) * *side + x + QUIET * PIXELS] = BLACK;
	return pixels;
}

static struct status encode(struct arena *mem, const uint8_t *pixels, size_t side, struct str *png)
{
	png_image image = { .version = PNG_IMAGE_VERSION, .format = PNG_FORMAT_GRAY };
	image.width = image.height = (png_uint_32)side;
	png_alloc_size_t n = PNG_IMAGE_PNG_SIZE_MAX(image);
	char *p = NEWS(mem, char, n);
	if (!png_image_write_to_memory(&image, p, &n, 0, pixels, 0, NULL))
		return ERR(E_INVALID);
	*png = str_make(p, n);
	return OK;
}

struct status qr_png(struct arena *mem, struct str text, struct str *png)
{
	QRcode *code = QRcode_encodeString8bit(str_z(mem, text), 0, QR_ECLEVEL_M);
	size_t side;
	if (!code)
		return ERR(E_TOO_BIG);
	const uint8_t *pixels = draw(mem, code, &side);
	secret_wipe(code->data, (size_t)code->width * (size_t)code->width);
	QRcode_free(code);
	return encode(mem, pixels, side, png);
}
