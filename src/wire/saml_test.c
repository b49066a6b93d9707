/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Metadata and responses as files (made by tests/api/saml_idp.py, which signs with other
 * code than verifies here), and what must not pass for them. The attacks on a running
 * server are in tests/api/test_saml.py.
 */
#include "base/buf.h"
#include "base/str.h"
#include "base/test.h"
#include "wire/saml.h"

#include <stdio.h>

static struct arena *mem;
static struct saml_metadata idp;

static struct str file(const char *name)
{
	char path[512];
	snprintf(path, sizeof path, "%s/saml/%s", VECTORS, name);
	FILE *f = fopen(path, "rb");
	EXPECT(f);
	char *p = NEWS(mem, char, 16384);
	size_t n = fread(p, 1, 16384, f);
	fclose(f);
	EXPECT(n > 0 && n < 16384);
	return str_make(p, n);
}

static void begin(void)
{
	mem = arena_new();
	EXPECT_OK(saml_metadata_read(mem, file("metadata.xml"), &idp));
}

static struct str changed(struct str s, const char *from, const char *to)
{
	size_t at = str_find(s, str_of(from));
	EXPECT(at != SIZE_MAX);
	return arena_printf(mem, "%.*s%s%.*s", PR(str_sub(s, 0, at)), to, PR(str_from(s, at + strlen(from))));
}

static void metadata_names_issuer_certificates_and_end(void)
{
	begin();
	EXPECT_STR(idp.issuer, S("https://idp.example.com/saml"));
	EXPECT(idp.certificates.n == 1 && idp.certificates.v[0].n > 300);
	EXPECT(idp.valid_until_ms == INT64_C(2208988800000));
	arena_free(mem);
}

static void what_is_no_metadata_is_refused(void)
{
	static const struct {
		const char *from, *to;
	} changes[] = {
		{ "<EntityDescriptor", "<!DOCTYPE x><EntityDescriptor" },
		{ "<EntityDescriptor", "<?xml version=\"1.0\" encoding=\"latin1\"?><EntityDescriptor" },
		{ "entityID", "entity" },
		{ "signing", "encryption" },
		{ "2040-01-01", "2040-13-01" },
		{ "MI", "AA" },
		{ "</EntityDescriptor>", "" },
		{ "</EntityDescriptor>", "</EntityDescriptor>x" },
		{ "<IDPSSODescriptor", "<IDPSSODescriptor/><IDPSSODescriptor" },
	};
	begin();
	struct saml_metadata m;
	for (size_t i = 0; i < COUNT(changes); i++)
		EXPECT_ERR(saml_metadata_read(mem, changed(file("metadata.xml"), changes[i].from, changes[i].to), &m),
			   E_INVALID);
	EXPECT_ERR(saml_metadata_read(mem, S(""), &m), E_INVALID);
	arena_free(mem);
}

static enum saml_trouble read(struct str xml, struct saml_assertion *a)
{
	*a = (struct saml_assertion){ 0 };
	return saml_response_read(mem, xml, idp.certificates, a);
}

static void signed_responses_are_read(void)
{
	static const char *const names[] = { "signed_assertion.xml", "signed_response.xml" };
	begin();
	for (size_t i = 0; i < COUNT(names); i++) {
		struct saml_assertion a;
		EXPECT(read(file(names[i]), &a) == SAML_OK);
		EXPECT_STR(a.issuer, idp.issuer);
		EXPECT_STR(a.name_id, S("ann@example.com"));
		EXPECT_STR(a.recipient, S("https://signin.aws.amazon.com/saml"));
		EXPECT(a.audiences.n == 1 && str_eq(a.audiences.v[0], a.recipient));
		EXPECT(a.issued_ms == INT64_C(1767225600000) && a.confirm_until_ms == a.issued_ms + 300000);
		EXPECT(a.not_before_ms == a.issued_ms - 10000 && a.not_after_ms == a.issued_ms + 300000);
		EXPECT(a.session_until_ms == a.issued_ms + 3600000);
		EXPECT(a.n_attributes == 2 && a.attributes[1].values.n == 1 && !a.attributes[1].odd);
		EXPECT_STR(a.attributes[1].values.v[0], S("ann"));
	}
	arena_free(mem);
}

static void what_is_not_signed_is_not_read(void)
{
	begin();
	struct saml_assertion a;
	struct str_list none = { 0 };
	EXPECT(read(file("unsigned.xml"), &a) == SAML_UNSIGNED);
	EXPECT(saml_response_read(mem, file("signed_assertion.xml"), none, &a) == SAML_UNSIGNED);
	EXPECT(!a.name_id.p);
	arena_free(mem);
}

/*
 * Whichever byte is changed: refused, or what is read is the same. (White space between elements of the response, which
 * is not signed when the assertion is, may change.)
 */
static void no_byte_of_it_can_be_changed(void)
{
	begin();
	struct str good = file("signed_assertion.xml");
	struct saml_assertion was, is;
	int refused = 0;
	EXPECT(read(good, &was) == SAML_OK);
	for (size_t at = 0; at < good.n; at++) {
		struct str bad = str_dup(mem, good);
		((char *)(uintptr_t)bad.p)[at] ^= 1;
		if (read(bad, &is) != SAML_OK) {
			refused++;
			continue;
		}
		EXPECT(str_eq(is.name_id, was.name_id) && str_eq(is.id, was.id) && is.issued_ms == was.issued_ms);
		EXPECT(is.n_attributes == was.n_attributes);
		for (size_t i = 0; i < is.n_attributes; i++)
			EXPECT(str_eq(is.attributes[i].values.v[0], was.attributes[i].values.v[0]));
	}
	EXPECT(refused > (int)good.n / 2);
	arena_free(mem);
}

static void comments_in_texts_are_refused(void)
{
	begin();
	struct saml_assertion a;
	struct str good = file("signed_assertion.xml");
	EXPECT(read(changed(good, "ann@example.com", "ann<!---->@example.com"), &a) == SAML_MALFORMED);
	EXPECT(read(changed(good, "ann@example.com", "<![CDATA[ann@example.com]]>"), &a) == SAML_OK);
	EXPECT_STR(a.name_id, S("ann@example.com"));
	EXPECT(read(changed(good, "ann@example.com", "ann&#64;example.com"), &a) == SAML_OK);
	EXPECT_STR(a.name_id, S("ann@example.com"));
	arena_free(mem);
}

static void depth_size_and_doctypes_are_bounded(void)
{
	begin();
	struct saml_assertion a;
	struct str good = file("signed_assertion.xml");
	struct buf deep = buf_in(mem);
	for (int i = 0; i < 100000 / 8; i++)
		buf_z(&deep, "<x>");
	EXPECT(read(buf_str(&deep), &a) == SAML_MALFORMED);
	EXPECT(read(arena_printf(mem, "<!DOCTYPE x [<!ENTITY a \"b\">]>%.*s", PR(good)), &a) == SAML_MALFORMED);
	EXPECT(read(str_make(NEWS(mem, char, SAML_RESPONSE_MAX + 1), SAML_RESPONSE_MAX + 1), &a) == SAML_MALFORMED);
	EXPECT(read(S(""), &a) == SAML_MALFORMED);
	arena_free(mem);
}

RUN_ALL(T(metadata_names_issuer_certificates_and_end), T(what_is_no_metadata_is_refused), T(signed_responses_are_read),
	T(what_is_not_signed_is_not_read), T(no_byte_of_it_can_be_changed), T(comments_in_texts_are_refused),
	T(depth_size_and_doctypes_are_bounded))
