/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the API reference promises about server certificates, one promise a test.
 */
#include "crypto/keyring.h"
#include "crypto/x509.h"
#include "api/accounts.h"
#include "svc/iam/iam.h"
#include "svc/identities_testing.h"

/* A certificate with its key and issuer, as text that stands in a JSON string. */
struct made {
	struct str cert, key, chain, other_key;
	struct x509_pair plain;
};

static struct str in_json(struct arena *mem, struct str pem)
{
	struct buf b = buf_in(mem);
	for (size_t i = 0; i < pem.n; i++)
		if (pem.p[i] == '\n')
			buf_put(&b, S("\\n"));
		else
			buf_byte(&b, pem.p[i]);
	return buf_str(&b);
}

static struct made make(struct test_world *w)
{
	static const struct str names[] = { S("www.example.com") };
	struct arena *mem = world_mem(w);
	struct world *world = world_app(w)->world;
	struct x509_pair ca, pair, other;
	EXPECT_OK(x509_ca_new(world, mem, S("a CA"), &ca));
	EXPECT_OK(x509_server_new(world, mem, &ca, names, 1, &pair));
	EXPECT_OK(x509_server_new(world, mem, &ca, names, 1, &other));
	return (struct made){ in_json(mem, pair.cert_pem), in_json(mem, pair.key_pem), in_json(mem, ca.cert_pem),
			      in_json(mem, other.key_pem), pair };
}

#define UPLOAD(w, name, cert_, key_, more)                                                                          \
	IAM(w, "UploadServerCertificate",                                                                           \
	    "{'ServerCertificateName':'%s','CertificateBody':'%.*s','PrivateKey':'%.*s'" more "}", name, PR(cert_), \
	    PR(key_))

static void a_certificate_is_kept_and_its_key_is_not_given_back(void)
{
	struct test_world *w = begin();
	struct made m = make(w);
	struct test_reply r =
	    IAM(w, "UploadServerCertificate",
		"{'ServerCertificateName':'Web','Path':'/cloudfront/','CertificateBody':'%.*s','PrivateKey':'%.*s',"
		"'CertificateChain':'%.*s','Tags':[{'Key':'a','Value':'b'}]}",
		PR(m.cert), PR(m.key), PR(m.chain));
	WORKS(r);
	EXPECT_STR(world_field(w, r, "ServerCertificateMetadata.Arn"),
		   S("arn:aws:iam::111122223333:server-certificate/cloudfront/Web"));
	EXPECT(str_starts(world_field(w, r, "ServerCertificateMetadata.ServerCertificateId"), S("ASCA")));
	EXPECT_STR(world_field(w, r, "ServerCertificateMetadata.UploadDate"), S("1767225600"));
	EXPECT_STR(world_field(w, r, "Tags.0.Key"), S("a"));
	r = IAM(w, "GetServerCertificate", "{'ServerCertificateName':'web'}");
	EXPECT_STR(world_field(w, r, "ServerCertificate.ServerCertificateMetadata.Expiration"), S("1801526400"));
	EXPECT(str_starts(world_field(w, r, "ServerCertificate.CertificateBody"), S("-----BEGIN CERTIFICATE-----")));
	EXPECT(str_find(r.body, S("PRIVATE KEY")) == SIZE_MAX);
	EXPECT_STR(world_field(w, r, "ServerCertificate.Tags.0.Value"), S("b"));
	r = UPLOAD(w, "WEB", m.cert, m.key, "");
	REFUSED(r, 409, "EntityAlreadyExists", "The Server Certificate with name WEB already exists.");
	WORKS(IAM(w, "DeleteServerCertificate", "{'ServerCertificateName':'WEB'}"));
	REFUSED(IAM(w, "GetServerCertificate", "{'ServerCertificateName':'Web'}"), 404, "NoSuchEntity",
		"The Server Certificate with name Web cannot be found.");
	FAILS(IAM(w, "DeleteServerCertificate", "{'ServerCertificateName':'Web'}"), "NoSuchEntity");
	world_end(w);
}

static void look_at_the_row(struct req *rq, void *arg)
{
	const struct made *m = arg;
	struct iam_certificate_row row;
	const struct key_ref *key;
	struct txn *t;
	struct str plain;
	rq->svc = &iam_service;
	EXPECT_OK(iam_read(rq, &t));
	EXPECT_OK(iam_row_get(rq->mem, t, key_of(rq->mem, 'c', S("web"), (struct str){ 0 }, (struct str){ 0 }),
			      &iam_certificate_row_shape, &row));
	EXPECT(row.key.n && str_find(row.key, S("PRIVATE")) == SIZE_MAX);
	EXPECT_OK(account_service_key(rq->app->accounts, rq->account, S("iam"), &key));
	struct str aad = arena_printf(rq->mem, "server-certificate/%.*s", PR(row.id));
	EXPECT_OK(keyring_unseal(rq->app->keyring, key, aad, row.key, rq->mem, &plain));
	EXPECT(str_starts(m->plain.key_pem, plain)); /* but for the last line's end */
	EXPECT(failed(keyring_unseal(rq->app->keyring, key, S("server-certificate/x"), row.key, rq->mem, &plain)));
}

static void the_key_is_sealed_and_bound_to_its_certificate(void)
{
	struct test_world *w = begin();
	struct made m = make(w);
	WORKS(UPLOAD(w, "web", m.cert, m.key, ""));
	world_in_fiber(w, look_at_the_row, &m);
	world_end(w);
}

static void what_does_not_fit_together_is_refused(void)
{
	struct test_world *w = begin();
	struct made m = make(w);
	REFUSED(UPLOAD(w, "a", m.key, m.key, ""), 400, "MalformedCertificate",
		"Unable to parse certificate. Please ensure the certificate is in PEM format.");
	REFUSED(UPLOAD(w, "a", m.cert, m.cert, ""), 400, "MalformedCertificate", "Invalid Private Key.");
	REFUSED(UPLOAD(w, "a", m.cert, m.other_key, ""), 400, "KeyPairMismatch",
		"The public key certificate and the private key do not match.");
	REFUSED(UPLOAD(w, "a", m.cert, m.key, ",'CertificateChain':'x'"), 400, "MalformedCertificate",
		"Unable to parse certificate chain. Please ensure the certificates are in PEM format.");
	REFUSED(
	    IAM(w, "UploadServerCertificate",
		"{'ServerCertificateName':'a','CertificateBody':'%.*s','PrivateKey':'%.*s','CertificateChain':'%.*s'}",
		PR(m.cert), PR(m.key), PR(m.cert)),
	    400, "MalformedCertificate",
	    "Unable to validate certificate chain. The certificate chain must start with the immediate signing "
	    "certificate, followed by any intermediaries in order. The index within the chain of the invalid "
	    "certificate is: -1");
	FAILS(UPLOAD(w, "a b", m.cert, m.key, ""), "ValidationError");
	FAILS(UPLOAD(w, "a", m.cert, m.key, ",'Path':'x'"), "ValidationError");
	FAILS(UPLOAD(w, "a", m.cert, m.key, ",'Tags':[{'Key':'aws:a','Value':''}]"), "InvalidInput");
	world_later(w, INT64_C(400) * 86400 * 1000);
	REFUSED(UPLOAD(w, "a", m.cert, m.key, ""), 400, "MalformedCertificate", "The certificate has expired.");
	FAILS(IAM(w, "GetServerCertificate", "{'ServerCertificateName':'a'}"), "NoSuchEntity");
	world_end(w);
}

static void a_certificate_gets_another_name_and_path(void)
{
	struct test_world *w = begin();
	struct made m = make(w);
	WORKS(UPLOAD(w, "one", m.cert, m.key, ""));
	WORKS(UPLOAD(w, "two", m.cert, m.key, ""));
	struct test_reply was = IAM(w, "GetServerCertificate", "{'ServerCertificateName':'one'}");
	FAILS(IAM(w, "UpdateServerCertificate", "{'ServerCertificateName':'one','NewServerCertificateName':'TWO'}"),
	      "EntityAlreadyExists");
	FAILS(IAM(w, "UpdateServerCertificate", "{'ServerCertificateName':'none','NewPath':'/'}"), "NoSuchEntity");
	WORKS(IAM(w, "UpdateServerCertificate",
		  "{'ServerCertificateName':'one','NewServerCertificateName':'uno','NewPath':'/x/'}"));
	WORKS(IAM(w, "UpdateServerCertificate", "{'ServerCertificateName':'uno','NewServerCertificateName':'Uno'}"));
	FAILS(IAM(w, "GetServerCertificate", "{'ServerCertificateName':'one'}"), "NoSuchEntity");
	struct test_reply is = IAM(w, "GetServerCertificate", "{'ServerCertificateName':'uno'}");
	EXPECT_STR(world_field(w, is, "ServerCertificate.ServerCertificateMetadata.Arn"),
		   S("arn:aws:iam::111122223333:server-certificate/x/Uno"));
	EXPECT_STR(world_field(w, is, "ServerCertificate.ServerCertificateMetadata.ServerCertificateId"),
		   world_field(w, was, "ServerCertificate.ServerCertificateMetadata.ServerCertificateId"));
	struct test_reply r = IAM(w, "ListServerCertificates", "{'PathPrefix':'/x/'}");
	EXPECT_STR(world_field(w, r, "ServerCertificateMetadataList.0.ServerCertificateName"), S("Uno"));
	EXPECT(!world_field(w, r, "ServerCertificateMetadataList.1").p);
	world_end(w);
}

static void there_are_at_most_twenty(void)
{
	struct test_world *w = begin();
	struct made m = make(w);
	for (int i = 0; i < 20; i++) {
		char name[8];
		snprintf(name, sizeof name, "c%02d", i);
		WORKS(UPLOAD(w, name, m.cert, m.key, ""));
	}
	REFUSED(UPLOAD(w, "more", m.cert, m.key, ""), 409, "LimitExceeded",
		"Cannot exceed quota for ServerCertificatesPerAccount: 20");
	struct test_reply r = IAM(w, "ListServerCertificates", "{'MaxItems':15}");
	EXPECT_STR(world_field(w, r, "IsTruncated"), S("true"));
	r = IAM(w, "ListServerCertificates", "{'Marker':'%.*s'}", PR(world_field(w, r, "Marker")));
	EXPECT_STR(world_field(w, r, "ServerCertificateMetadataList.0.ServerCertificateName"), S("c15"));
	EXPECT(world_field(w, r, "ServerCertificateMetadataList.4.Arn").p);
	EXPECT(!world_field(w, r, "ServerCertificateMetadataList.5.Arn").p);
	WORKS(IAM(w, "DeleteServerCertificate", "{'ServerCertificateName':'c00'}"));
	WORKS(UPLOAD(w, "more", m.cert, m.key, ""));
	world_end(w);
}

static void certificates_have_tags(void)
{
	struct test_world *w = begin();
	struct made m = make(w);
	WORKS(UPLOAD(w, "web", m.cert, m.key, ""));
	WORKS(IAM(w, "TagServerCertificate",
		  "{'ServerCertificateName':'web','Tags':[{'Key':'a','Value':'1'},{'Key':'b','Value':'2'}]}"));
	WORKS(IAM(w, "UntagServerCertificate", "{'ServerCertificateName':'web','TagKeys':['A']}"));
	struct test_reply r = IAM(w, "ListServerCertificateTags", "{'ServerCertificateName':'web'}");
	EXPECT_STR(world_field(w, r, "Tags"), S("[{\"Key\":\"b\",\"Value\":\"2\"}]"));
	FAILS(IAM(w, "TagServerCertificate", "{'ServerCertificateName':'no','Tags':[]}"), "NoSuchEntity");
	FAILS(IAM(w, "UntagServerCertificate", "{'ServerCertificateName':'no','TagKeys':[]}"), "NoSuchEntity");
	FAILS(IAM(w, "ListServerCertificateTags", "{'ServerCertificateName':'no'}"), "NoSuchEntity");
	world_end(w);
}

static void who_moves_one_must_be_allowed_at_both_places(void)
{
	static const struct {
		const char *resource, *want;
	} cases[] = {
		{ "arn:aws:iam::111122223333:server-certificate/a/web", "AccessDenied" },
		{ "arn:aws:iam::111122223333:server-certificate/b/*", "AccessDenied" },
		{ "arn:aws:iam::111122223333:server-certificate/?/web", "" },
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct test_world *w = begin();
		struct made m = make(w);
		WORKS(UPLOAD(w, "web", m.cert, m.key, ",'Path':'/a/'"));
		WORKS(IAM(w, "CreateUser", "{'UserName':'ann'}"));
		WORKS(IAM(w, "PutUserPolicy",
			  "{'UserName':'ann','PolicyName':'p','PolicyDocument':'{\\\"Statement\\\":{\\\"Effect\\\":"
			  "\\\"Allow\\\",\\\"Action\\\":\\\"iam:*\\\",\\\"Resource\\\":\\\"%s\\\"}}'}",
			  cases[i].resource));
		struct test_reply r = AS(w, user_caller(w, "ann"), "iam", "UpdateServerCertificate",
					 "{'ServerCertificateName':'WEB','NewPath':'/b/'}");
		EXPECT_STR(r.code, str_of(cases[i].want));
		world_end(w);
	}
}

RUN_ALL(T(a_certificate_is_kept_and_its_key_is_not_given_back), T(the_key_is_sealed_and_bound_to_its_certificate),
	T(what_does_not_fit_together_is_refused), T(a_certificate_gets_another_name_and_path),
	T(there_are_at_most_twenty), T(certificates_have_tags), T(who_moves_one_must_be_allowed_at_both_places))
