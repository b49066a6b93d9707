/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The host name is read from the right (domain, region, "s3"), because a bucket's name may
 * hold the same words.
 */
#include "api/route_host.h"

#include "api/faults.h"
#include "base/str.h"

/* Without the port and the dot of an absolute name; an IPv6 literal stays as it is. */
static struct str host_name(struct str host)
{
	struct str rest = host;
	if (host.n && host.p[0] == '[')
		return host;
	struct str name = str_cut(&rest, ':');
	return str_ends(name, S(".")) ? str_sub(name, 0, name.n - 1) : name;
}

/* What stands before the domain in the host's name, empty when it is not under the domain. */
static struct str host_front(const struct req *rq)
{
	struct str host = host_name(rq->host), domain = rq->app->domain;
	if (!domain.n || host.n <= domain.n + 1)
		return (struct str){ 0 };
	size_t at = host.n - domain.n;
	return host.p[at - 1] == '.' && str_eq_ci(str_from(host, at), domain) ? str_sub(host, 0, at - 1)
									      : (struct str){ 0 };
}

static struct str without_last(struct str name)
{
	size_t n = str_after_last(name, '.').n;
	return str_sub(name, 0, n < name.n ? name.n - n - 1 : 0);
}

/*
 * <bucket>, <bucket>.s3 or <bucket>.s3.<region> in front of the domain. "s3" and "s3.<region>" alone
 * are the endpoint itself. Read from the right: a bucket's name may hold ".s3." too.
 */
static struct str host_bucket(const struct req *rq)
{
	struct str front = host_front(rq), before = without_last(front);
	if (str_eq_ci(front, S("s3")) || str_eq_ci(before, S("s3")))
		return (struct str){ 0 };
	if (str_eq_ci(str_after_last(front, '.'), S("s3")))
		return before;
	return before.n && str_eq_ci(str_after_last(before, '.'), S("s3")) ? without_last(before) : front;
}

static bool is_host_text(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!char_alnum(s.p[i]) && s.p[i] != '-' && s.p[i] != '.' && s.p[i] != '_')
			return false;
	return true;
}

struct status route_s3_path(struct req *rq, struct str *out)
{
	struct str bucket = host_bucket(rq);
	*out = rq->path;
	if (!bucket.n)
		return OK;
	if (!is_host_text(bucket))
		return FAIL(rq, api_InvalidURI, "Couldn't parse the specified URI.");
	char *p = NEWS(rq->mem, char, 1 + bucket.n + rq->path.n);
	p[0] = '/';
	for (size_t i = 0; i < bucket.n; i++)
		p[1 + i] = char_lower(bucket.p[i]);
	memcpy(p + 1 + bucket.n, rq->path.p, rq->path.n);
	*out = str_make(p, 1 + bucket.n + rq->path.n);
	return OK;
}
