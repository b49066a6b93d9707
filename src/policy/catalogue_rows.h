/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rows of the tables that tools/catalogue.py makes of catalogue.txt. A string is its offset
 * in catalogue_chars and, in the low byte, its length; a list is an index into catalogue_lists,
 * where its length stands before it. There are no pointers, so that the tables are pages of
 * the file until someone reads them.
 */
#ifndef POLICY_CATALOGUE_ROWS_H
#define POLICY_CATALOGUE_ROWS_H

#include "policy/catalogue.h"

struct catalogue_key_row {
	uint32_t name;
	uint8_t type, multi, open, everywhere;
};
struct catalogue_type_row {
	uint32_t name, arns, keys; /* arns: pairs of numbers, the high and low half of a string */
	uint32_t service;
};
struct catalogue_action_row {
	uint32_t name, uses, keys; /* uses: three numbers each: type, required, keys */
	uint16_t service;
	uint8_t access;
};
struct catalogue_service_row {
	uint32_t prefix, title, action0, action_n, type0, type_n, rcp;
};

extern const char catalogue_data_version[];
extern const char catalogue_chars[];
extern const uint16_t catalogue_lists[];
extern const struct catalogue_key_row catalogue_keys[];
extern const struct catalogue_type_row catalogue_types[];
extern const struct catalogue_action_row catalogue_actions[];
extern const struct catalogue_service_row catalogue_services[];
extern const uint32_t catalogue_keys_n, catalogue_types_n, catalogue_actions_n, catalogue_services_n;

#endif
